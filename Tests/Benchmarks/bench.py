# Owns: the command line of the benchmarks and the choice of the command.
# Called by: scripts/bench.
# Never: measures; a reached or missed bar does not change the exit code.
"""scripts/bench: what a request costs the sidecar, beside its peers."""

import argparse
import signal
import sys

import tools


def comparison(options):
    import comparison as command
    return command.run(options)


def instructions(options):
    import instructions as command
    return command.run(options)


def tokens(options):
    import tokens as command
    return command.run(options)


def enrich(options):
    import enrich as command
    return command.run(options)


# Each command takes the parsed options and returns an exit code.
COMMANDS = {"requests": comparison, "instructions": instructions,
            "tokens": tokens, "enrich": enrich}


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Compares what a proxied request costs the sidecar, nginx, HAProxy with\n"
                    "jwt_verify and a C byte forwarder, interleaved in one run on loopback.",
        epilog="SIDECAR_BIN names a built sidecar; without it the release build is made first.\n"
               "Exit code: 0 measured (bar reached or missed), 1 could not measure honestly.")
    parser.add_argument("command", nargs="?", choices=sorted(COMMANDS), default="requests",
                        help="requests (default): CPU time; instructions: as --instructions; tokens:\n"
                             "by how a token is signed and how often it is new; enrich: a list of\n"
                             "1,000 users with presence in it, and without")
    parser.add_argument("--instructions", action="store_true",
                        help="instructions a request by callgrind, and whose they are")
    parser.add_argument("--quick", action="store_true", help="5 short rounds: a first impression")
    parser.add_argument("--rounds", type=positive, help="rounds (default 10)")
    parser.add_argument("--seconds", type=positive, help="seconds a proxy a round (default 3)")
    parser.add_argument("--requests", type=positive, default=4000,
                        help="with --instructions: requests counted (default 4000)")
    parser.add_argument("--top", type=positive, default=40,
                        help="with --instructions: functions listed (default 40)")
    parser.add_argument("--alone", action="store_true",
                        help="with --instructions: the sidecar only, not its peers; with enrich:\n"
                             "without the measurement in memory, which builds the tests")
    parser.add_argument("--without-sidecar", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (5 if options.quick else 10)
    options.seconds = options.seconds or (1 if options.quick else 3)
    options.warm_up = 1 if options.quick else 2
    if options.instructions:
        options.command = "instructions"
    return options


def interrupted(*_):
    raise KeyboardInterrupt


def main(arguments):
    options = parse(arguments)
    signal.signal(signal.SIGTERM, interrupted)  # so that the servers are ended on the way out
    try:
        return COMMANDS[options.command](options)
    except tools.BenchError as error:
        tools.say(str(error))
        return 1
    except KeyboardInterrupt:
        tools.say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
