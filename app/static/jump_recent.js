// Places that were opened with "Jump to…", of each person and workspace, until the tab is closed.
const MOST = 6;

const keyOf = (user, workspace) => `tally-jumps ${user} ${workspace}`;

export const readRecent = (user, workspace) => {
  try {
    return JSON.parse((user && sessionStorage.getItem(keyOf(user, workspace))) || "[]");
  } catch {
    return []; // storage is blocked, or holds something else
  }
};

export const remember = (user, workspace, place) => {
  const same = JSON.stringify([place.path, place.parameters]);
  const others = readRecent(user, workspace).filter((each) => JSON.stringify([each.path, each.parameters]) !== same);
  try {
    if (user) sessionStorage.setItem(keyOf(user, workspace), JSON.stringify([place, ...others].slice(0, MOST)));
  } catch {
    // without storage there are no recent places
  }
};
