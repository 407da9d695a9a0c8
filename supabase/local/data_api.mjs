// Forwards requests to PostgREST, each in its account's turn, as the role of its API key.
import http from "node:http";
import { refuse } from "./answers.mjs";
import { reasonToRefuse } from "./data_requests.mjs";
import { roleToken, signedClaims } from "./tokens.mjs";
import { Turns } from "./turns.mjs";

// Headers of one connection rather than the request, and the API key, which PostgREST does not know.
const NOT_FORWARDED = ["apikey", "connection", "expect", "host", "keep-alive", "proxy-connection", "upgrade"];
// Shorter than PostgREST's own 30 s, so that no request is sent on a connection that is being closed.
const IDLE_UPSTREAM_MS = 20_000;
// 5,000 records with the most metadata each may have are 40 MB. PostgREST keeps a body in memory.
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const UNAVAILABLE = "The data API is not answering; try again in a moment.";
const TOO_MANY = "Too many requests of this account are running. Wait until they have ended, then try again.";

export class DataApi {
  constructor({ restPort, secrets, turns = new Turns() }) {
    this.restPort = restPort;
    this.jwtSecret = secrets.jwt_secret;
    this.turns = turns;
    this.roles = new Map([
      [secrets.publishable_key, roleToken("anon", secrets.jwt_secret)],
      [secrets.secret_key, roleToken("service_role", secrets.jwt_secret)],
    ]);
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64, timeout: IDLE_UPSTREAM_MS });
  }

  stop() {
    this.agent.destroy();
  }

  async handle(request, response, url) {
    const reason = reasonToRefuse({ headers: request.headers, search: url.search });
    if (reason) return refuse(response, 400, reason);
    if (Number(request.headers["content-length"]) > MAX_BODY_BYTES) return refuseBody(request, response);
    const forwarded = {
      method: request.method,
      path: (url.pathname + url.search).slice("/rest/v1".length) || "/",
      headers: this.#headers(request.headers),
    };
    const endTurn = await this.turns.take(this.#account(forwarded.headers.authorization), response);
    if (!endTurn) {
      if (!response.destroyed) refuse(response, 429, TOO_MANY, { "retry-after": "1" });
      return;
    }
    this.#forward(request, response, forwarded, endTurn);
  }

  // Whose turns a request takes: its person's. Requests with the secret key alone take turns as one account's.
  #account(authorization) {
    const claims = signedClaims(authorization, this.jwtSecret);
    return claims ? (claims.sub ?? claims.role) : "unknown";
  }

  // Exchanges an opaque key for a role's JWT. Any other bearer token is a user's, which PostgREST verifies.
  #headers(headers) {
    const forwarded = { ...headers };
    for (const name of NOT_FORWARDED) delete forwarded[name];
    const bearer = headers.authorization?.replace(/^Bearer\s+/i, "");
    if (!bearer || bearer === headers.apikey) {
      forwarded.authorization = `Bearer ${this.roles.get(headers.apikey)}`;
    }
    return forwarded;
  }

  // A client that leaves ends nothing: PostgREST goes on with what it has read, so the turn lasts until then.
  #forward(request, response, forwarded, endTurn, canRetry = true) {
    const upstream = http.request({
      agent: this.agent,
      host: "127.0.0.1",
      port: this.restPort,
      ...forwarded,
    });
    let repeated = false;
    upstream.on("close", () => repeated || endTurn());
    upstream.on("response", (answer) => {
      answer.on("error", () => response.destroy());
      if (response.destroyed) return answer.resume();
      delete answer.headers.connection;
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      response.on("close", () => answer.resume());
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
        repeated = true;
        return this.#forward(request, response, forwarded, endTurn, false);
      }
      return this.#answerUnreadBody(response, forwarded.headers.authorization);
    });
    response.on("close", () => request.complete || upstream.destroy());
    limitBody(request, response, upstream);
    request.pipe(upstream);
  }

  // PostgREST refuses a bad token before it reads the body, then closes the connection, so the failed write
  // of the body hides its 401. Repeating the request without the body gets that answer.
  #answerUnreadBody(response, authorization) {
    const unavailable = () => refuse(response, 503, UNAVAILABLE);
    const probe = http.get(
      { host: "127.0.0.1", port: this.restPort, path: "/", headers: { authorization } },
      (answer) => {
        if (answer.statusCode !== 401) {
          probe.destroy();
          return unavailable();
        }
        delete answer.headers.connection;
        response.writeHead(401, answer.headers);
        answer.on("error", () => response.destroy());
        answer.pipe(response);
      },
    );
    probe.on("error", () => response.headersSent || unavailable());
  }
}

// An answer can arrive before the whole body was sent (a refused token, a killed server). Most clients read
// it only after sending the body, so the rest is received and dropped.
function discardBody(request, upstream) {
  request.unpipe(upstream);
  request.resume();
}

function limitBody(request, response, upstream) {
  let bytes = 0;
  request.on("data", (chunk) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES || response.headersSent) return;
    request.unpipe(upstream);
    upstream.destroy();
    refuseBody(request, response);
  });
}

function refuseBody(request, response) {
  request.resume();
  refuse(response, 413, "This request is larger than 64 MB. Send it in parts.", { connection: "close" });
}
