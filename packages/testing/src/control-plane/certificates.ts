/** A certificate authority that lives as long as one control plane: it signs what the servers show and what users log in with. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bits, boolean, integer, octets, oid, sequence, set, tagged, text, utcTime } from './der.js';

/** Both in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  /** The user's name, for Kubernetes. */
  readonly commonName: string;
  /** The user's groups, for Kubernetes. */
  readonly organizations?: readonly string[];
}

interface Party {
  readonly subject: Subject;
  readonly publicKey: KeyObject;
}

const DAY = 86_400_000;
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

export class CertificateAuthority {
  /** Of the authority itself, in PEM. */
  readonly certificate: string;
  readonly #now: Date;
  readonly #party: Party;
  readonly #key: KeyObject;

  /** Certificates are valid from an hour before `now` (clocks may differ a little) until a year after. */
  constructor(now: Date) {
    const { privateKey, publicKey } = generateKeys();
    this.#now = now;
    this.#key = privateKey;
    this.#party = { subject: { commonName: 'incumbent-testing' }, publicKey };
    this.certificate = this.#sign(this.#party, [
      extension('2.5.29.19', sequence(boolean(true)), true),
      extension('2.5.29.15', bits(Buffer.of(0x06), 1), true),
    ]);
  }

  /** For a server on the loopback address; it may log in elsewhere with it too. */
  forServer(commonName: string): KeyPair {
    const names = sequence(
      tagged(2, Buffer.from('localhost'), false),
      tagged(7, Buffer.of(127, 0, 0, 1), false),
    );
    return this.#issue({ commonName }, [extendedUsage('server', 'client'), extension('2.5.29.17', names)]);
  }

  forClient(subject: Subject): KeyPair {
    return this.#issue(subject, [extendedUsage('client')]);
  }

  #issue(subject: Subject, extensions: readonly Buffer[]): KeyPair {
    const { privateKey, publicKey } = generateKeys();
    const usage = extension('2.5.29.15', bits(Buffer.of(0x80), 7), true);
    const certificate = this.#sign({ subject, publicKey }, [usage, ...extensions]);
    return { certificate, key: pemOf(privateKey) };
  }

  #sign(holder: Party, extensions: readonly Buffer[]): string {
    const content = sequence(
      tagged(0, integer(Buffer.of(2)), true),
      integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
      ecdsaWithSha256,
      distinguishedName(this.#party.subject),
      this.#validity(),
      distinguishedName(holder.subject),
      holder.publicKey.export({ type: 'spki', format: 'der' }),
      tagged(3, sequence(...extensions, ...keyIdentifiers(holder, this.#party)), true),
    );
    const signature = sign('sha256', content, this.#key);
    return pem('CERTIFICATE', sequence(content, ecdsaWithSha256, bits(signature)));
  }

  #validity(): Buffer {
    const from = new Date(this.#now.getTime() - DAY / 24);
    return sequence(utcTime(from), utcTime(new Date(from.getTime() + 365 * DAY)));
  }
}

/** The pair that signs and checks service account tokens, in PEM. */
export function tokenKeys(): { readonly signing: string; readonly verifying: string } {
  const { privateKey, publicKey } = generateKeys();
  return {
    signing: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    verifying: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

function generateKeys(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const part = (type: string, name: string): Buffer => set(sequence(oid(type), text(name)));
  return sequence(...organizations.map((name) => part('2.5.4.10', name)), part('2.5.4.3', commonName));
}

function extension(type: string, content: Buffer, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(content));
}

function extendedUsage(...usages: readonly ('server' | 'client')[]): Buffer {
  const purposes = usages.map((usage) => oid(usage === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'));
  return extension('2.5.29.37', sequence(...purposes));
}

function keyIdentifiers(holder: Party, issuer: Party): Buffer[] {
  return [
    extension('2.5.29.14', octets(keyIdentifier(holder.publicKey))),
    extension('2.5.29.35', sequence(tagged(0, keyIdentifier(issuer.publicKey), false))),
  ];
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
