// Owns the entry of the program.
// Called by the operating system.
// Never holds logic.

import Glibc

@main
struct Main {
    static func main() {
        exit(perform(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    private static func perform(_ arguments: [String]) -> ExitCode {
        do throws(UsageError) {
            switch try Invocation(arguments) {
            case .run(let source): return Run.run(source)
            case .check(let file): return Check.run(file: file)
            case .demo(let port): return Demo.run(port: port)
            case .token(let order): return TokenCommand.run(order)
            case .whoami(let order): return WhoamiCommand.run(order)
            case .users(let order): return Users.run(order)
            case .routes(let file, let method, let path):
                return RoutesCommand.run(file: file, method: method, path: path)
            case .version:
                Console.print("sidecar \(Version.number)")
                return .success
            case .help(let command):
                Console.print(command?.help ?? Command.overview)
                return .success
            }
        } catch {
            Console.complain(error.message)
            return .usage
        }
    }
}

/// The version of this program.
enum Version {
    static let number = "0.1.0"
}
