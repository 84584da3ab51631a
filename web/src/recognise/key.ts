/** A name that nobody else has. crypto.randomUUID is there only where the page came by https or from this machine. */
export function newKey(): string {
  return crypto.getRandomValues(new Uint8Array(16)).reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}
