#include "route/route_private.h"

#include <stdio.h>

struct rpc_peer *route__peer(struct route *r, const char *addr) {
    struct rpc_peer *found = NULL;
    pthread_mutex_lock(&r->peers_lock);
    for (size_t i = 0; i < r->peer_count && !found; i++)
        if (strcmp(r->peers[i].addr, addr) == 0)
            found = r->peers[i].peer;
    if (found == NULL && r->peer_count < ROUTE__PEERS_MAX) {
        struct rpc_peer_config config = {
            .target = addr, .frames_max = 16384, .bytes_max = 64 << 20};
        struct route__peer *p = &r->peers[r->peer_count];
        if (strlen(addr) < sizeof p->addr &&
            rpc_peer_open(r->config.rpc, &config, &found) == TC_OK) {
            snprintf(p->addr, sizeof p->addr, "%s", addr);
            p->peer = found;
            r->peer_count++;
        }
    }
    pthread_mutex_unlock(&r->peers_lock);
    return found;
}
