// The API gateway: /auth/v1/… goes to the auth server, /rest/v1/… to PostgREST, everything else is refused.
import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";
import { StackError } from "./report.mjs";

// Names of tables, functions and auth routes need no other characters. Encoded slashes and dots are refused.
const ALLOWED_PATH = /^\/(auth|rest)\/v1(?:\/[\w.-]*)*$/;
// Headers of one connection rather than the request, and the API key, which PostgREST does not know.
const NOT_FORWARDED = ["apikey", "connection", "expect", "host", "keep-alive", "proxy-connection", "upgrade"];
// Shorter than PostgREST's own 30 s, so that no request is sent on a connection that is being closed.
const IDLE_UPSTREAM_MS = 20_000;
const IDLE_CLIENT_MS = 75_000;

export class Gateway {
  constructor({ gatewayPort, restPort, secrets }) {
    this.port = gatewayPort;
    this.restPort = restPort;
    this.tokens = new Map([
      [secrets.publishable_key, roleToken("anon", secrets.jwt_secret)],
      [secrets.secret_key, roleToken("service_role", secrets.jwt_secret)],
    ]);
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64, timeout: IDLE_UPSTREAM_MS });
    this.auth = null;
    this.server = http.createServer((request, response) => this.#route(request, response));
    this.server.keepAliveTimeout = IDLE_CLIENT_MS;
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
    this.agent.destroy();
  }

  #route(request, response) {
    const url = normalise(request.url);
    const service = url?.pathname.match(ALLOWED_PATH)?.[1];
    if (!service) return refuse(response, 404, "Not found");
    if (!this.auth) return refuse(response, 503, "Tally is starting or stopping; try again in a moment.");
    const token = this.#tokenFor(request.headers.apikey);
    if (!token) return refuse(response, 401, "Invalid API key");
    request.url = url.pathname + url.search;
    if (service === "auth") return this.auth.handle(request, response);
    return this.#forward(request, response, token);
  }

  #tokenFor(key) {
    for (const [known, token] of this.tokens) if (sameText(known, key ?? "")) return token;
    return null;
  }

  #forward(request, response, roleToken, canRetry = true) {
    const upstream = http.request({
      agent: this.agent,
      host: "127.0.0.1",
      port: this.restPort,
      method: request.method,
      path: request.url.slice("/rest/v1".length) || "/",
      headers: upstreamHeaders(request.headers, roleToken),
    });
    upstream.on("response", (answer) => {
      delete answer.headers.connection;
      response.writeHead(answer.statusCode, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
      if (request.complete) return;
      discardBody(request, upstream);
      answer.on("close", () => upstream.destroy());
    });
    upstream.on("error", () => {
      if (upstream.res?.complete) return; // answered without reading the body, then closed
      discardBody(request, upstream);
      if (response.headersSent || response.destroyed) return response.destroy();
      // A reused connection was closed before it answered; a request without a body is safe to repeat.
      if (canRetry && upstream.reusedSocket && ["GET", "HEAD"].includes(request.method)) {
        return this.#forward(request, response, roleToken, false);
      }
      return this.#answerUnreadBody(request, response, roleToken);
    });
    response.on("close", () => response.writableFinished || upstream.destroy());
    request.pipe(upstream);
  }

  // PostgREST refuses a bad token before it reads the body, then closes the connection, so the failed write
  // of the body hides its 401. Repeating the request without the body gets that answer.
  #answerUnreadBody(request, response, roleToken) {
    const unavailable = () => refuse(response, 503, "The data API is not answering; try again in a moment.");
    const headers = upstreamHeaders(
      { authorization: request.headers.authorization, apikey: request.headers.apikey },
      roleToken,
    );
    const probe = http.get({ host: "127.0.0.1", port: this.restPort, path: "/", headers }, (answer) => {
      if (answer.statusCode !== 401) {
        probe.destroy();
        return unavailable();
      }
      delete answer.headers.connection;
      response.writeHead(401, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    probe.on("error", () => response.headersSent || unavailable());
  }
}

// An answer can arrive before the whole body was sent (a refused token, a killed server). Most clients read
// it only after sending the body, so the rest is received and dropped.
function discardBody(request, upstream) {
  request.unpipe(upstream);
  request.resume();
}

// Resolves dot segments, so that `/auth/v1/../../_system/info` is checked and forwarded as `/_system/info`.
function normalise(target) {
  const text = `http://gateway${target}`;
  return target.startsWith("/") && URL.canParse(text) ? new URL(text) : null;
}

// Exchanges an opaque key for a role's JWT. Any other bearer token is a user's, which PostgREST verifies.
function upstreamHeaders(headers, roleToken) {
  const forwarded = { ...headers };
  for (const name of NOT_FORWARDED) delete forwarded[name];
  const bearer = headers.authorization?.replace(/^Bearer\s+/i, "");
  if (!bearer || bearer === headers.apikey) forwarded.authorization = `Bearer ${roleToken}`;
  return forwarded;
}

function roleToken(role, secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ role, iss: "tally" })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function sameText(left, right) {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refuse(response, status, message) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ message }));
}

function listenError(error, port) {
  if (error.code !== "EADDRINUSE") return `The API gateway cannot listen on port ${port}: ${error.message}`;
  return `Port ${port} is in use by another program. Stop it, or choose other ports with TALLY_PORT.`;
}
