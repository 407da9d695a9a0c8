// Passwords that are tried first: those of zxcvbn-ts' list of the 49,000 most used ones that are long enough.
export const MINIMUM_PASSWORD_LENGTH = 8;

let common = null;

// Unpacked when the first password is chosen, not in every start.
async function readCommon() {
  const { dictionary } = await import("@zxcvbn-ts/language-common");
  return new Set(dictionary["passwords-common"].filter((each) => each.length >= MINIMUM_PASSWORD_LENGTH));
}

export async function isCommon(password) {
  common ??= readCommon();
  return (await common).has(password.toLowerCase());
}
