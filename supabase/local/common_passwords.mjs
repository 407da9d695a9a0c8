// Passwords that are tried first: those of zxcvbn-ts' list of the 49,000 most used ones that are long enough.
import { dictionary } from "@zxcvbn-ts/language-common";

export const MINIMUM_PASSWORD_LENGTH = 8;

const common = new Set(
  dictionary["passwords-common"].filter((each) => each.length >= MINIMUM_PASSWORD_LENGTH),
);

export function isCommon(password) {
  return common.has(password.toLowerCase());
}
