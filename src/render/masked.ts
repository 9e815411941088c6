/** The form of a token's secret (src/engine/secret-text.ts), wherever it stands in a text. */
const SECRET = /rct_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}/g;

/** A text in which of each secret of a token nothing but its fingerprint is left. */
export function maskSecrets(text: string): string {
  return text.includes('rct_') ? text.replace(SECRET, 'rct_$1_…') : text;
}

/** A JSON Web Token, as service accounts have; its first part is an object in base64. */
const WEB_TOKEN = /\beyJ[\w-]{1,9999}\.[\w-]+\.[\w-]*/g;

/** What stands after `Bearer` or `Basic` in a header. */
const IN_HEADER = /\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi;

/**
 * The password of a URL: up to the last @ that may end it, since some write theirs without percent-encoding. In JSON a quotation
 * mark of it has a backslash in front.
 */
const IN_URL = /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:@/?#"<>]{0,999}):(?:[^\s"\\<>]|\\.){1,999}@/gi;

/** `password=…`, in a URL or what a driver is told. */
const NAMED = /\b(password|passwd|pwd|sslpassword|token|secret)=(?:[^\s&"\\<>;,]|\\.)+/gi;

/**
 * A text in which also passwords and credentials of any server are masked: for logs, and what else is kept for long. JSON stays
 * JSON.
 */
export function maskCredentials(text: string): string {
  return maskSecrets(text)
    .replace(WEB_TOKEN, 'eyJ…')
    .replace(IN_HEADER, '$1 …')
    .replace(IN_URL, '$1:…@')
    .replace(NAMED, '$1=…');
}
