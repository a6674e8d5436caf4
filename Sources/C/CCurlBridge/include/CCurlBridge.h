#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

// What Swift cannot say: libcurl's options take a variable argument, and its callbacks are given by option.
// The library is opened when the first transfer is made, not when the program starts: it brings two dozen others.

// One request. Texts live until the call returns; NULL leaves an option as it is.
typedef struct {
    void *session;                   // of curl_bridge_open: its connection is used again; NULL = one of its own
    const char *method;              // NULL = GET; "HEAD" asks for no body
    const void *upload;              // the request's body, with a method other than GET and HEAD
    size_t upload_size;
    const char *url;
    const char *protocol;            // the one that is allowed: "http" or "https"
    const char *user_password;       // USER:PASSWORD of the signature
    const char *signature;           // CURLOPT_AWS_SIGV4
    const char *const *headers;
    size_t header_count;
    const char *ca_file;
    const char *ca_directory;
    long connect_timeout_ms;
    long stall_seconds;              // slower than stall_bytes a second for that long ends it
    long stall_bytes;
    void *context;
    int (*body)(void *context, const void *bytes, size_t count);          // 0 goes on
    void (*header)(void *context, const char *line, size_t count);
    int (*allow)(void *context, const struct sockaddr *address, socklen_t size); // 1 connects
    int (*tick)(void *context);                                            // 0 goes on
} curl_bridge_request;

typedef struct {
    int code;             // CURLcode; -1 = libcurl is missing
    long status;          // of the last answer; 0 = none
    char *redirect;       // where a 3xx leads, absolute; NULL = nowhere
    char *error;          // in words, holds no header; NULL = none
} curl_bridge_result;     // pointers, since Swift makes a tuple of an array: minutes for the compiler

// Performs it; blocks. Follows no redirect, reads no .netrc, keeps no cookie.
// The texts of the result are freed with curl_bridge_free.
void curl_bridge_get(const curl_bridge_request *request, curl_bridge_result *result);
// A connection that several requests use, one after another; NULL where libcurl is missing.
void *curl_bridge_open(void);
void curl_bridge_close(void *session);
void curl_bridge_free(curl_bridge_result *result);
