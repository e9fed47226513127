// Owns: the floor of the benchmarks: the least that a proxy on epoll can do for a request.
// Called by: Tests/Benchmarks (compiled with cc -O2; `floor PORT ORIGIN_PORT ANSWER_BYTES`).
// Never: parses a field, times out, or serves anything but this benchmark. It is no proxy.
//
// An answer ends after ANSWER_BYTES bytes; that ends the exchange and frees the upstream connection
// for the next one. Bytes pass as they are read: four data calls a request (recv, send, recv, send)
// and one epoll_wait a batch. Sockets are registered once, edge-triggered; upstreams are pooled.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, EVENTS = 256, BUFFER = 65536 };

enum role { UNUSED, CLIENT, UPSTREAM };

struct connection {
    enum role role;
    int partner;      // the other side of the exchange under way; -1 between exchanges
    size_t received;  // of an upstream: bytes of the answer that have passed
};

static struct connection table[CONNECTIONS];
static int pool[CONNECTIONS], pooled, epoll;
static size_t answer_bytes;
static struct sockaddr_in origin;
static char buffer[BUFFER];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int enter(int fd, enum role role) {
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd >= CONNECTIONS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(fd);
        return -1;
    }
    table[fd] = (struct connection){.role = role, .partner = -1};
    return fd;
}

/// Closes a connection and, in the middle of an exchange, its partner.
static void leave(int fd) {
    int partner = table[fd].partner;
    for (int i = 0; i < pooled; i++) {
        if (pool[i] == fd) pool[i--] = pool[--pooled];
    }
    table[fd] = (struct connection){.role = UNUSED, .partner = -1};
    close(fd);
    if (partner >= 0) {
        table[partner].partner = -1;
        leave(partner);
    }
}

static int upstream(void) {
    if (pooled) return pool[--pooled];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&origin, sizeof origin) < 0) {
        if (fd >= 0) close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return enter(fd, UPSTREAM);
}

/// Passes one read from `fd` to its partner. 0: drained, 1: read again, less than 0: over.
static int pass(int fd) {
    struct connection *from = &table[fd];
    ssize_t got = recv(fd, buffer, BUFFER, 0);
    if (got == 0) return -1;
    if (got < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (from->partner < 0) {
        if (from->role == UPSTREAM) return -1;  // bytes that nobody asked for
        int other = upstream();
        if (other < 0) return -1;
        from->partner = other;
        table[other].partner = fd;
        table[other].received = 0;
    }
    // 512-byte answers never fill a socket's buffer; if one did, the exchange fails visibly.
    if (send(from->partner, buffer, (size_t)got, MSG_NOSIGNAL) != got) return -1;
    if (from->role == UPSTREAM) {
        from->received += (size_t)got;
        if (from->received > answer_bytes) return -1;
        if (from->received == answer_bytes) {
            table[from->partner].partner = -1;
            from->partner = -1;
            pool[pooled++] = fd;
        }
    }
    return got == BUFFER;
}

static void welcome(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        enter(fd, CLIENT);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: floor PORT ORIGIN_PORT ANSWER_BYTES\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    origin = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    answer_bytes = (size_t)atol(argv[3]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = origin;
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 1024) < 0) fail("listen");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd, more = 0;
            if (fd == listener) {
                welcome(listener);
                continue;
            }
            if (table[fd].role == UNUSED) continue;  // closed earlier in this batch
            if (events[i].events & EPOLLIN) {
                while ((more = pass(fd)) > 0) {}
            }
            if (table[fd].role == UNUSED) continue;
            if (more < 0 || events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) leave(fd);
        }
    }
}
