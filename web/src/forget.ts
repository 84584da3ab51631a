// What someone did at this tab must not be seen by the next. Each module that keeps such things says here how to forget them.

/** `unsent`: also the files that the server has not taken yet; they stay where it only did not know the token. */
type Forget = (unsent: boolean) => void;

const atSignOut: Forget[] = [];
const atRemoval: ((job: string) => void)[] = [];

export function onSignOut(forget: Forget): void {
  atSignOut.push(forget);
}

/** The same for what is about a job that is removed. */
export function onRemoval(forget: (job: string) => void): void {
  atRemoval.push(forget);
}

export function remove(job: string): void {
  for (const forget of atRemoval) forget(job);
}

export function signOut(unsent: boolean): void {
  for (const forget of atSignOut) forget(unsent);
}
