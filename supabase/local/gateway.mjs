// The API gateway: /auth/v1/… goes to the auth server, /rest/v1/… to PostgREST, everything else is refused.
import http from "node:http";
import { refuse } from "./answers.mjs";
import { DataApi } from "./data_api.mjs";
import { StackError } from "./report.mjs";
import { sameText } from "./tokens.mjs";

// Names of tables, functions and auth routes need no other characters. Encoded slashes and dots are refused.
const ALLOWED_PATH = /^\/(auth|rest)\/v1(?:\/[\w.-]*)*$/;
const IDLE_CLIENT_MS = 75_000;
// Clients are on this machine: a body or header that takes longer will not end.
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

export class Gateway {
  constructor({ gatewayPort, restPort, secrets }) {
    this.port = gatewayPort;
    this.keys = [secrets.publishable_key, secrets.secret_key];
    this.dataApi = new DataApi({ restPort, secrets });
    this.auth = null;
    this.server = http.createServer((request, response) => this.#route(request, response));
    this.server.keepAliveTimeout = IDLE_CLIENT_MS;
    this.server.headersTimeout = HEADERS_MS;
    this.server.requestTimeout = REQUEST_MS;
  }

  // Called first in a start: a taken port must be noticed before any data is touched.
  listen() {
    return new Promise((resolve, reject) => {
      this.server.once("error", (error) => reject(new StackError(listenError(error, this.port))));
      this.server.listen(this.port, "127.0.0.1", resolve);
    });
  }

  serve(auth) {
    this.auth = auth;
  }

  async stop() {
    this.auth = null;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeIdleConnections();
    const deadline = setTimeout(() => this.server.closeAllConnections(), 2000);
    await closed;
    clearTimeout(deadline);
    this.dataApi.stop();
  }

  async #route(request, response) {
    try {
      await this.#answer(request, response);
    } catch (error) {
      console.error(error);
      if (response.headersSent || response.destroyed) response.destroy();
      else refuse(response, 500, "Tally could not answer this; try again in a moment.");
    }
  }

  async #answer(request, response) {
    const url = normalise(request.url);
    const service = url?.pathname.match(ALLOWED_PATH)?.[1];
    if (!service) return refuse(response, 404, "Not found");
    if (!this.auth) return refuse(response, 503, "Tally is starting or stopping; try again in a moment.");
    if (!this.#knows(request.headers.apikey)) return refuse(response, 401, "Invalid API key");
    return (service === "auth" ? this.auth : this.dataApi).handle(request, response, url);
  }

  #knows(apiKey = "") {
    return this.keys.some((key) => sameText(key, apiKey));
  }
}

// Resolves dot segments, so that `/auth/v1/../../_system/info` is checked and forwarded as `/_system/info`.
function normalise(target) {
  const text = `http://gateway${target}`;
  return target.startsWith("/") && URL.canParse(text) ? new URL(text) : null;
}

function listenError(error, port) {
  if (error.code !== "EADDRINUSE") return `The API gateway cannot listen on port ${port}: ${error.message}`;
  return `Port ${port} is in use by another program. Stop it, or choose other ports with TALLY_PORT.`;
}
