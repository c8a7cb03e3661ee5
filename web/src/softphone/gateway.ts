/* What the phone asks of the gateway. */

import { api, body } from "../api";
import type { Account } from "./engine";
import type { Gateway } from "./phone";

export const gateway: Gateway = {
  ask: async () => body(api.GET("/api/v1/softphone")),
  account: async () => {
    const told = await body(api.POST("/api/v1/softphone/account", { body: {} }));
    return {
      pbx: told.pbx,
      extension: told.extension,
      user: told.user,
      password: told.password,
      domain: told.domain,
      name: told.name,
      socket: told.socket,
      registerSeconds: told.register_seconds,
      iceServers: told.ice_servers.map(({ urls, username, credential }) => ({
        urls,
        ...(username === null ? {} : { username }),
        ...(credential === null ? {} : { credential }),
      })),
    } satisfies Account;
  },
};
