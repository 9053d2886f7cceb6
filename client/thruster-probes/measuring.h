/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTER_PROBES_MEASURING_H
#define CLIENT_THRUSTER_PROBES_MEASURING_H

/* thruster-probes --measure: for some seconds, where the daemon's clients spend their time while
 * they do not run; JSON on standard output, for thrusterctl trace. */

/* Exit status: 0, also if it cannot be measured, which the JSON then says; 1 without a daemon. */
int measure(const char *socket_path, double seconds);

#endif
