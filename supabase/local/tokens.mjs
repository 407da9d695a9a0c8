// JSON Web Tokens of the stack, signed with its secret (HS256).
import { createHmac, timingSafeEqual } from "node:crypto";

export function roleToken(role, secret) {
  return signedToken({ role, iss: "tally" }, secret);
}

export function signedToken(claims, secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${signature(signed, secret).toString("base64url")}`;
}

// The claims of a bearer token, or null if it was not signed by this stack. An expired token has claims.
export function signedClaims(authorization, secret) {
  const parts = (authorization ?? "").replace(/^Bearer\s+/i, "").split(".");
  if (parts.length !== 3) return null;
  const given = Buffer.from(parts[2], "base64url");
  const expected = signature(`${parts[0]}.${parts[1]}`, secret);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  try {
    return JSON.parse(Buffer.from(parts[1], "base64url"));
  } catch {
    return null;
  }
}

export function sameText(left, right) {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function signature(text, secret) {
  return createHmac("sha256", secret).update(text).digest();
}
