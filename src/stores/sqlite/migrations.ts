export interface Migration {
  readonly name: string;
  /** The sha256 of `sql`; a test holds it to be so. Written down, so that a reader need not compute it. */
  readonly checksum: string;
  readonly sql: string;
}

/**
 * The schema, one step a version. A step that has been released is never edited: its checksum is in every store.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'ledger',
    checksum: 'sha256:dcc8850d81e33d879b0df1661661fc17e238c8f9ea7f9180dbbc225ad2785ebe',
    sql: `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
  revision INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT,
  actor_verified INTEGER NOT NULL,
  manager TEXT NOT NULL,
  digest TEXT NOT NULL,
  reason TEXT,
  commit_sha TEXT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  deleted INTEGER NOT NULL
) STRICT;

CREATE TABLE resource (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  workspace TEXT NOT NULL,
  name TEXT NOT NULL,
  manager TEXT NOT NULL,
  field_managers TEXT NOT NULL,
  external_id TEXT,
  body TEXT NOT NULL,
  revision INTEGER NOT NULL,
  UNIQUE (workspace, kind, name)
) STRICT;

CREATE TABLE edge (
  resource INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
  pointer TEXT NOT NULL,
  target TEXT,
  since INTEGER NOT NULL,
  PRIMARY KEY (resource, pointer)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_target ON edge (target) WHERE target IS NOT NULL;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  at TEXT NOT NULL,
  actor TEXT,
  actor_verified INTEGER NOT NULL,
  action TEXT NOT NULL,
  uid TEXT,
  identity TEXT,
  before TEXT,
  after TEXT,
  reason TEXT,
  "commit" TEXT,
  pr TEXT,
  approvers TEXT,
  verdicts TEXT,
  payload_hash TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_revision ON audit (revision);

-- Without it, INSERT OR REPLACE would pass by the two below.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
WHEN NEW.seq <= (SELECT max(seq) FROM audit)
BEGIN SELECT RAISE(ABORT, 'audit rows are never replaced'); END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;

-- Only a redaction passes: the payload becomes NULL, all else stays.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
WHEN NEW.before IS NOT NULL OR NEW.after IS NOT NULL OR NEW.reason IS NOT NULL
  OR NEW.seq IS NOT OLD.seq OR NEW.revision IS NOT OLD.revision OR NEW.at IS NOT OLD.at
  OR NEW.actor IS NOT OLD.actor OR NEW.actor_verified IS NOT OLD.actor_verified
  OR NEW.action IS NOT OLD.action OR NEW.uid IS NOT OLD.uid OR NEW.identity IS NOT OLD.identity
  OR NEW."commit" IS NOT OLD."commit" OR NEW.pr IS NOT OLD.pr OR NEW.approvers IS NOT OLD.approvers
  OR NEW.verdicts IS NOT OLD.verdicts OR NEW.payload_hash IS NOT OLD.payload_hash
  OR NEW.prev_hash IS NOT OLD.prev_hash OR NEW.hash IS NOT OLD.hash
BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
`,
  },
  {
    name: 'look-ups',
    checksum: 'sha256:a08890497cf58487e54332aa18bc2772e1c8c68edf8225bc106d0c711e077809',
    sql: `
-- Two Users never have the same address: looked up with its case folded.
ALTER TABLE resource ADD COLUMN email TEXT;
UPDATE resource SET email = fold_case(json_extract(body, '$.spec.email')) WHERE kind = 'User';
CREATE INDEX resource_email ON resource (email) WHERE email IS NOT NULL;

-- How many resources there are, kept by whoever writes them.
CREATE TABLE tally (
  kind TEXT NOT NULL,
  workspace TEXT NOT NULL,
  manager TEXT NOT NULL,
  count INTEGER NOT NULL CHECK (count > 0),
  PRIMARY KEY (kind, workspace, manager)
) STRICT, WITHOUT ROWID;
INSERT INTO tally SELECT kind, workspace, manager, count(*) FROM resource GROUP BY kind, workspace, manager;
`,
  },
  {
    name: 'time, secrets',
    checksum: 'sha256:be2305dfba7f9a61de017eb9739deb8c960ab4d6594686ed6786c3b2c89ba7a7',
    sql: `
-- When windows begin and end, kept by whoever writes the resources. What has passed was told once.
CREATE TABLE moment (
  resource INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
  pointer TEXT NOT NULL,
  type TEXT NOT NULL,
  at INTEGER NOT NULL,
  passed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (resource, pointer, type)
) STRICT, WITHOUT ROWID;
CREATE INDEX moment_at ON moment (at);
CREATE INDEX moment_open ON moment (at) WHERE passed = 0;
INSERT INTO moment (resource, pointer, type, at)
  SELECT id, '/spec', 'begins', milliseconds(json_extract(body, '$.spec.notBefore')) FROM resource
    WHERE kind IN ('User', 'RoleBinding', 'Token') AND json_extract(body, '$.spec.notBefore') IS NOT NULL
  UNION ALL
  SELECT id, '/spec', 'ends', milliseconds(json_extract(body, '$.spec.expiresAt')) FROM resource
    WHERE kind IN ('User', 'RoleBinding', 'Token') AND json_extract(body, '$.spec.expiresAt') IS NOT NULL
  UNION ALL
  SELECT r.id, '/spec/members/' || (m.value ->> 'kind') || ':' || (m.value ->> 'name'), 'begins', milliseconds(m.value ->> 'notBefore')
    FROM resource r, json_each(r.body, '$.spec.members') m WHERE r.kind = 'Group' AND m.value ->> 'notBefore' IS NOT NULL
  UNION ALL
  SELECT r.id, '/spec/members/' || (m.value ->> 'kind') || ':' || (m.value ->> 'name'), 'ends', milliseconds(m.value ->> 'expiresAt')
    FROM resource r, json_each(r.body, '$.spec.members') m WHERE r.kind = 'Group' AND m.value ->> 'expiresAt' IS NOT NULL;

-- Tokens that say where their secrets go.
ALTER TABLE resource ADD COLUMN delivers INTEGER NOT NULL DEFAULT 0;
UPDATE resource SET delivers = 1 WHERE kind = 'Token' AND json_extract(body, '$.spec.deliverTo') IS NOT NULL;
CREATE INDEX resource_delivers ON resource (id) WHERE delivers = 1;

-- Secrets outlive their Token: that they are not valid any more must be known.
CREATE TABLE secret (
  id TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  identity TEXT NOT NULL,
  number INTEGER NOT NULL UNIQUE,
  issued_at TEXT NOT NULL,
  sink TEXT,
  path TEXT NOT NULL,
  delivered_at TEXT,
  ends_at TEXT,
  revoked_at TEXT,
  settled INTEGER NOT NULL
) STRICT;
CREATE INDEX secret_token ON secret (token, number);
CREATE INDEX secret_unsettled ON secret (number) WHERE settled = 0;
CREATE TABLE secret_hash (
  id TEXT PRIMARY KEY REFERENCES secret (id),
  key_id TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_uid ON audit (uid) WHERE uid IS NOT NULL;
`,
  },
];
