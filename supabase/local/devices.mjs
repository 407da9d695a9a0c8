// Devices on which an account has signed in. The auth server names a device after a sign-in; the client
// shows the name at the next one, and its attempts are then counted apart from those of strangers.
import { createHmac, randomBytes } from "node:crypto";
import { sameText } from "./tokens.mjs";

export const DEVICE_HEADER = "x-tally-device";
const MAX_NAMES = 10;

export class Devices {
  constructor(secret) {
    this.secret = secret;
  }

  // The names of one client are those of several accounts, separated by spaces.
  find(names, email) {
    const known = (names ?? "").split(" ").slice(0, MAX_NAMES);
    return known.find((name) => sameText(name, this.#sign(name.split(".")[0], email))) ?? null;
  }

  name(email) {
    return this.#sign(randomBytes(16).toString("base64url"), email);
  }

  #sign(nonce, email) {
    const mac = createHmac("sha256", this.secret).update(`device\n${nonce}\n${email}`).digest("base64url");
    return `${nonce}.${mac}`;
  }
}
