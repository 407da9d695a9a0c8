// The only door of the stack: /auth/v1/… to the auth server, /rest/v1/… to PostgREST, nothing else.
import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";
import { StackError } from "./report.mjs";

// Names of tables, functions and auth routes need no other characters; an encoded slash or dot is never one of them.
const ALLOWED_PATH = /^\/(auth|rest)\/v1(?:\/[\w.-]*)*$/;
// These describe one connection, not the request, or are the gateway's own business.
const NOT_FORWARDED = ["apikey", "connection", "expect", "host", "keep-alive", "proxy-connection", "upgrade"];
// Shorter than PostgREST's own 30 s, so that a request is never sent into a connection that it is just closing.
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

  // The first thing a start does: a taken port is found out before any data is touched.
  listen() {
    return new Promise((resolve, reject) => {
      this.server.once("error", (error) => reject(new StackError(whyNotListening(error, this.port))));
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

  #forward(request, response, roleToken, mayRetry = true) {
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
      forgetBody(request, upstream);
      answer.on("close", () => upstream.destroy());
    });
    upstream.on("error", () => {
      if (upstream.res?.complete) return; // it answered without reading the body, and closed
      forgetBody(request, upstream);
      if (response.headersSent || response.destroyed) return response.destroy();
      // A kept connection that closed under us; without a body the request can simply be sent again.
      if (mayRetry && upstream.reusedSocket && ["GET", "HEAD"].includes(request.method)) {
        return this.#forward(request, response, roleToken, false);
      }
      return this.#explain(request, response, roleToken);
    });
    response.on("close", () => response.writableFinished || upstream.destroy());
    request.pipe(upstream);
  }

  // A body that nobody reads any more hides the answer: the data API refuses a token at once and closes, and the write that
  // fails is heard first. So the token is shown again, alone.
  #explain(request, response, roleToken) {
    const unanswered = () => refuse(response, 503, "The data API is not answering; try again in a moment.");
    const headers = upstreamHeaders({ authorization: request.headers.authorization, apikey: request.headers.apikey }, roleToken);
    const asked = http.get({ host: "127.0.0.1", port: this.restPort, path: "/", headers }, (answer) => {
      if (answer.statusCode !== 401) {
        asked.destroy();
        return unanswered();
      }
      delete answer.headers.connection;
      response.writeHead(401, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    asked.on("error", () => response.headersSent || unanswered());
  }
}

// An answer can come before the body was read to its end (a refused token, a killed server). Whoever sends that body
// hears the answer only when all of it is taken off their hands.
function forgetBody(request, upstream) {
  request.unpipe(upstream);
  request.resume();
}

// Dots are resolved first, so that `/auth/v1/../../_system/info` is judged, and forwarded, as what it is.
function normalise(target) {
  const text = `http://gateway${target}`;
  return target.startsWith("/") && URL.canParse(text) ? new URL(text) : null;
}

// An opaque key stands for a role; anything else in Authorization is a user's token, for PostgREST to judge.
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

function whyNotListening(error, port) {
  if (error.code !== "EADDRINUSE") return `The API gateway cannot listen on port ${port}: ${error.message}`;
  return `Port ${port} is taken by another program. End it, or choose other ports with TALLY_PORT.`;
}
