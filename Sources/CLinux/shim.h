// What glibc hides from a module built without _GNU_SOURCE, declared again by hand.
#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>

extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
extern int pipe2(int descriptors[2], int flags);
extern ssize_t getrandom(void *buffer, size_t length, unsigned int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);

static inline int clinux_set_thread_name(const char *name) {
    return pthread_setname_np(pthread_self(), name);
}

#endif
