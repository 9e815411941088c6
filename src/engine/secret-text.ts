import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The digits of base 62 in their order, 0 to 61. GitHub, whose format of tokens this one follows, does not say which
 * it uses: https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const ID_LENGTH = 12;
/** 43 digits are 256 bits. */
const RANDOM_LENGTH = 43;
/** The greatest CRC-32 has 6 digits. */
const CHECK_LENGTH = 6;
const FORM = /^rct_([0-9A-Za-z]{12})_[0-9A-Za-z]{43}([0-9A-Za-z]{6})$/;

/** The secret of a token: `rct_<id>_<random><check>`. */
export interface SecretText {
  /** 12 digits of base 62, random too, but no secret: it is shown, and finds the hash. */
  readonly id: string;
  /** The whole of it, 66 characters. Must go nowhere but to its sink. */
  readonly text: string;
}

/** Gives as many random bytes as are asked for. */
export type Random = (size: number) => Uint8Array;

/** A secret that nobody else has. */
export function newSecret(random: Random = randomBytes): SecretText {
  const id = randomDigits(ID_LENGTH, random);
  const body = `rct_${id}_${randomDigits(RANDOM_LENGTH, random)}`;
  return { id, text: body + checkOf(body) };
}

/** The id of a secret; undefined for any other text. Says nothing of whether that secret was ever issued. */
export function idOfSecret(text: string): string | undefined {
  const [, id, check] = FORM.exec(text) ?? [];
  return check === checkOf(text.slice(0, -CHECK_LENGTH)) ? id : undefined;
}

/** What a store may keep of a secret: HMAC-SHA-256 in hexadecimal, 64 characters. */
export function hashSecret(text: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

/** Whether two hashes are the same, in a time that does not tell how much of them is. */
export function matches(hash: string, other: string): boolean {
  const [a, b] = [Buffer.from(hash), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Digits of base 62, each as likely as any other. */
export function randomDigits(length: number, random: Random = randomBytes): string {
  let digits = '';
  while (digits.length < length) {
    // 248 = 4 × 62. Of all 256 bytes the first digits would be had more often.
    for (const byte of random(length - digits.length)) if (byte < 248) digits += DIGITS.charAt(byte % 62);
  }
  return digits;
}

/** The CRC-32 (of ISO-HDLC, as in gzip) of a text, its first digit the greatest, zeros in front. */
function checkOf(text: string): string {
  let check = '';
  for (let rest = crc32(text); check.length < CHECK_LENGTH; rest = Math.floor(rest / 62))
    check = DIGITS.charAt(rest % 62) + check;
  return check;
}
