/* Owns: a client whose requests carry a token each, at a fixed rate or as fast as they are answered.
   Called by: pacing.py, which compiles it.
   Never: at a fixed rate, waits for an answer before the next request is due: what a slow server
   does to the requests behind the slow one is counted. */
/* pace PORT SOURCE_ADDRESS RATE TOTAL CONNECTIONS [TOKENS_FILE FIRST]
   Sends TOTAL times GET /api/orders/ from SOURCE_ADDRESS, RATE a second (0: each connection as soon
   as it is answered), over CONNECTIONS kept-alive connections, with the lines of TOKENS_FILE from
   FIRST on as bearer tokens in turn. The time of an answer is counted from when its request was
   due. Prints: answers, others than 200 or missing, elapsed_us p50_us p99_us max_us. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256, WAITING = 1 << 16, INPUT = 16384 };

struct connection {
    int stream, busy;
    long due; /* ns, of the request under way */
    size_t held;
    char input[INPUT];
};

static struct connection connections[MOST];
static long waiting[WAITING], first_waiting, last_waiting;
static char **tokens;
static long token_count, next_token;
static long *times, answered, errors;
static long total, sent, rate;

static void fail(const char *what)
{
    fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

static long clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void read_tokens(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path);
    char line[8192];
    long room = 1024;
    tokens = malloc((size_t)room * sizeof *tokens);
    while (tokens && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (token_count == room)
            tokens = realloc(tokens, (size_t)(room *= 2) * sizeof *tokens);
        tokens[token_count++] = strdup(line);
    }
    fclose(file);
    if (token_count == 0)
        fail("no tokens");
}

static int dial(int port, const char *source)
{
    struct sockaddr_in here = {.sin_family = AF_INET}, there = {.sin_family = AF_INET};
    int on = 1, stream = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, source, &here.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    there.sin_port = htons((unsigned short)port);
    if (stream < 0 || bind(stream, (struct sockaddr *)&here, sizeof here) < 0
        || connect(stream, (struct sockaddr *)&there, sizeof there) < 0)
        fail("cannot connect");
    setsockopt(stream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return stream;
}

static void send_request(struct connection *link, long due)
{
    char text[8704];
    const char *rest = "\r\n\r\n";
    int length = tokens ? snprintf(text, sizeof text,
                                   "GET /api/orders/ HTTP/1.1\r\nHost: bench\r\n"
                                   "Authorization: Bearer %s%s",
                                   tokens[next_token++ % token_count], rest)
                        : snprintf(text, sizeof text,
                                   "GET /api/orders/ HTTP/1.1\r\nHost: bench%s", rest);
    link->busy = 1;
    link->due = due;
    if (send(link->stream, text, (size_t)length, MSG_NOSIGNAL) != length)
        fail("cannot send");
}

/* Whether a whole answer stands in the input; its status tells whether it is a good one. */
static int is_whole(struct connection *link)
{
    link->input[link->held] = 0;
    char *blank = strstr(link->input, "\r\n\r\n"), *length = strcasestr(link->input, "content-length:");
    if (!blank || !length || length > blank)
        return 0;
    if (link->held < (size_t)(blank - link->input) + 4 + strtoul(length + 15, NULL, 10))
        return 0;
    errors += strncmp(link->input, "HTTP/1.1 200", 12) != 0;
    return 1;
}

static void take(struct connection *link)
{
    ssize_t got = recv(link->stream, link->input + link->held, INPUT - 1 - link->held, 0);
    if (got <= 0)
        fail("the server closed a connection");
    link->held += (size_t)got;
    if (!is_whole(link))
        return;
    times[answered++] = clock_ns() - link->due;
    link->held = 0;
    link->busy = 0;
    if (first_waiting < last_waiting)
        send_request(link, waiting[first_waiting++ % WAITING]);
    else if (rate == 0 && sent < total) {
        sent++;
        send_request(link, clock_ns());
    }
}

static void dispatch(int count, long due)
{
    for (int i = 0; i < count; i++)
        if (!connections[i].busy) {
            send_request(&connections[i], due);
            return;
        }
    if (last_waiting - first_waiting == WAITING) {
        errors++;
        return;
    }
    waiting[last_waiting++ % WAITING] = due;
}

static int by_size(const void *a, const void *b)
{
    long one = *(const long *)a, other = *(const long *)b;
    return (one > other) - (one < other);
}

static void connect_all(int queue, int port, const char *source, int count)
{
    for (int i = 0; i < count; i++) {
        connections[i].stream = dial(port, source);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(queue, EPOLL_CTL_ADD, connections[i].stream, &event);
    }
}

/* Everything that is due now goes out; returns ns until the next request is due. */
static long send_due(int count, long begun)
{
    if (rate == 0)
        return sent == total ? 10000000 : 1000000;
    long step = 1000000000L / rate;
    while (sent < total && begun + sent * step <= clock_ns())
        dispatch(count, begun + step * sent++);
    long left = begun + sent * step - clock_ns();
    return sent == total ? 10000000 : left > 0 ? left : 0;
}

static void run(int queue, int count)
{
    long begun = clock_ns(), patience = begun + 120000000000L;
    for (int i = 0; rate == 0 && i < count && sent < total; i++, sent++)
        send_request(&connections[i], clock_ns());
    while (answered + errors < total && clock_ns() < patience) {
        struct timespec pause = {0, send_due(count, begun)};
        struct epoll_event events[64];
        int ready = epoll_pwait2(queue, events, 64, &pause, NULL);
        for (int i = 0; i < ready; i++)
            take(events[i].data.ptr);
    }
    if (answered == 0)
        fail("no answer");
    long took = clock_ns() - begun;
    qsort(times, (size_t)answered, sizeof *times, by_size);
    printf("%ld %ld %ld %ld %ld %ld\n", answered, errors + (total - answered), took / 1000,
           times[answered / 2] / 1000, times[answered * 99 / 100] / 1000,
           times[answered - 1] / 1000);
}

int main(int words, char **word)
{
    if (words < 6)
        fail("usage: pace PORT SOURCE RATE TOTAL CONNECTIONS [TOKENS FIRST]");
    rate = atol(word[3]);
    total = atol(word[4]);
    int count = atoi(word[5]) < MOST ? atoi(word[5]) : MOST;
    if (words > 7) {
        read_tokens(word[6]);
        next_token = atol(word[7]);
    }
    times = malloc((size_t)total * sizeof *times);
    int queue = epoll_create1(0);
    connect_all(queue, atoi(word[1]), word[2], count);
    run(queue, count);
    return 0;
}
