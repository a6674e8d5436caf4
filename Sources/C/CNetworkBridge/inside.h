#pragma once
// What the files of this module share: work on a thread of its own, and in another namespace.
#include <stddef.h>

#include "network.h"

/// Runs `body` on a thread with every signal blocked and a stack of that many bytes, and waits for it.
csh_network_failure csh_on_own_thread(void *(*body)(void *), void *argument, size_t stack);

/// Takes the calling thread into the namespace at `path` and makes a non-blocking socket of a type there; -1 and
/// `failure` set else.
int csh_enter_and_make(const char *path, int type, csh_network_failure *failure);
