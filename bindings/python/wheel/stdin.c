/* SPDX-License-Identifier: Apache-2.0
 *
 * Lets a static jansson that was built for programs go into a shared library. One of its
 * functions, which nobody calls here, compares its argument with stdin to name it in
 * messages; that is the one thing of libc's that such code finds in no other way than a
 * program does. Inside the wheel's library alone, stdin is this pointer. */
__attribute__((visibility("hidden"))) void *stdin;
