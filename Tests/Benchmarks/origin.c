// Owns: the backend of the benchmarks, which answers every request with the same 512-byte JSON, or
// with that of a file.
// Called by: Tests/Benchmarks (compiled with cc -O2; `origin PORT [FILE]`), through the proxies.
// Never: reads request bodies, writes to disk, or becomes the bottleneck: one thread, one epoll.
//
// Two paths serve the checks and are not counted: /-/count answers how many requests were served,
// /-/echo answers the head of the request itself, to see what a proxy forwards.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_BYTES = 512, HEAD_LIMIT = 16384, CONNECTIONS = 4096, EVENTS = 256, BATCH = 16 };

struct connection {
    char *partial;  // a request head that has not fully arrived; NULL nearly always
    size_t kept;
};

static struct connection connections[CONNECTIONS];
static char small[2048];
static char *answer = small;
static size_t answer_bytes;
static unsigned long long served;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/// The head that a Django REST backend behind gunicorn sends.
static int write_head(char *out, size_t room, long body_bytes) {
    return snprintf(out, room,
        "HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: Sat, 21 Nov 2026 09:30:00 GMT\r\n"
        "Content-Type: application/json\r\nVary: Accept\r\nAllow: GET, HEAD, OPTIONS\r\n"
        "Content-Length: %ld\r\n\r\n", body_bytes);
}

/// The fixed answer with a file for its body.
static void read_answer(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) < 0) fail(path);
    long size = ftell(file);
    if (size < 0 || !(answer = malloc(sizeof small + (size_t)size))) fail(path);
    int head = write_head(answer, sizeof small, size);
    rewind(file);
    if (fread(answer + head, 1, (size_t)size, file) != (size_t)size) fail(path);
    answer_bytes = (size_t)head + (size_t)size;
    fclose(file);
}

/// The fixed answer of 512 bytes.
static void write_answer(void) {
    char body[BODY_BYTES + 1];
    int used = snprintf(body, sizeof body,
        "{\"count\":57,\"next\":null,\"previous\":null,\"results\":["
        "{\"id\":1001,\"state\":\"open\",\"total\":\"129.90\",\"currency\":\"EUR\"},"
        "{\"id\":1002,\"state\":\"paid\",\"total\":\"18.00\",\"currency\":\"EUR\"},"
        "{\"id\":1003,\"state\":\"sent\",\"total\":\"74.25\",\"currency\":\"EUR\"}],\"note\":\"");
    memset(body + used, 'n', BODY_BYTES - (size_t)used - 2);
    memcpy(body + BODY_BYTES - 2, "\"}", 2);
    body[BODY_BYTES] = 0;
    int head = write_head(small, sizeof small, BODY_BYTES);
    memcpy(small + head, body, BODY_BYTES);
    answer_bytes = (size_t)head + BODY_BYTES;
}

static void forget(int fd) {
    free(connections[fd].partial);
    connections[fd].partial = NULL;
    connections[fd].kept = 0;
    close(fd);
}

static int send_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) {
            // Only an answer from a file can fill a socket, for as long as its reader needs.
            struct pollfd full = {.fd = fd, .events = POLLOUT};
            if (errno != EAGAIN || poll(&full, 1, 10000) <= 0) return -1;
            continue;
        }
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

/// Answers one of the two paths of the checks.
static int answer_check(int fd, const char *head, size_t count) {
    char out[HEAD_LIMIT + 256], counted[32];
    const char *body = head;
    size_t body_bytes = count;
    if (memmem(head, count, "/-/count", 8)) {
        body_bytes = (size_t)snprintf(counted, sizeof counted, "%llu", served);
        body = counted;
    }
    int used = snprintf(out, sizeof out,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", body_bytes);
    memcpy(out + used, body, body_bytes);
    return send_all(fd, out, (size_t)used + body_bytes);
}

/// Answers every complete request in `bytes`, keeps the rest. Less than 0: the connection is over.
static int serve(int fd, const char *bytes, size_t count) {
    static char batch[BATCH * sizeof small];
    size_t at = 0, ready = 0;
    while (at < count) {
        const char *end = memmem(bytes + at, count - at, "\r\n\r\n", 4);
        if (!end) break;
        size_t head = (size_t)(end + 4 - (bytes + at));
        if (head > 8 && memcmp(bytes + at, "GET /-/", 7) == 0) {
            if (ready && send_all(fd, batch, ready) < 0) return -1;
            ready = 0;
            if (answer_check(fd, bytes + at, head) < 0) return -1;
        } else {
            if (ready + answer_bytes > sizeof batch) {
                if (send_all(fd, batch, ready) < 0) return -1;
                ready = 0;
            }
            served++;
            if (answer_bytes > sizeof batch) {
                if (send_all(fd, answer, answer_bytes) < 0) return -1;
            } else {
                memcpy(batch + ready, answer, answer_bytes);
                ready += answer_bytes;
            }
        }
        at += head;
    }
    if (ready && send_all(fd, batch, ready) < 0) return -1;
    struct connection *c = &connections[fd];
    c->kept = count - at;
    if (c->kept == 0) return 0;
    if (!c->partial && !(c->partial = malloc(HEAD_LIMIT))) return -1;
    memmove(c->partial, bytes + at, c->kept);
    return 0;
}

/// Reads what is there. A read shorter than the buffer has drained the socket.
static int take(int fd) {
    static char bytes[HEAD_LIMIT];
    struct connection *c = &connections[fd];
    for (;;) {
        if (c->kept >= HEAD_LIMIT) return -1;
        if (c->kept) memcpy(bytes, c->partial, c->kept);
        size_t room = HEAD_LIMIT - c->kept;
        ssize_t got = recv(fd, bytes + c->kept, room, 0);
        if (got == 0) return -1;
        if (got < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
        if (serve(fd, bytes, c->kept + (size_t)got) < 0) return -1;
        if ((size_t)got < room) return 0;
    }
}

static void welcome(int epoll, int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= CONNECTIONS) {
            close(fd);
            continue;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) close(fd);
    }
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: origin PORT [FILE]\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3) read_answer(argv[2]);
    else write_answer();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 1024) < 0) fail("listen");
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                welcome(epoll, listener);
            } else if (take(fd) < 0 || events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
                forget(fd);
            }
        }
    }
}
