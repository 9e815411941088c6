export interface Migration {
  readonly name: string;
  /** The sha256 of `sql`; a test holds it to be so. Written down, so that a reader need not compute it. */
  readonly checksum: string;
  /** For a search_path of the store's schema alone. */
  readonly sql: string;
}

/**
 * The schema, one step a version. A step that has been released is never edited: its checksum is in every store.
 *
 * All that is compared or ordered is text in the order of its bytes (COLLATE "C"), whatever the database has.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'ledger',
    checksum: 'sha256:ed7fcbc864e78cd21c41c02fdeca540039f7de1bcf4c04530fcfc2829d052c13',
    sql: `
CREATE TABLE meta (key text COLLATE "C" PRIMARY KEY, value text NOT NULL);

CREATE TABLE revision (
  revision bigint PRIMARY KEY,
  at text NOT NULL,
  actor text,
  actor_verified boolean NOT NULL,
  manager text NOT NULL,
  digest text NOT NULL,
  reason text,
  commit_sha text,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  deleted bigint NOT NULL
);

-- The one writer gives the ids.
CREATE TABLE resource (
  id bigint PRIMARY KEY,
  uid text COLLATE "C" NOT NULL UNIQUE,
  kind text COLLATE "C" NOT NULL,
  workspace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  manager text COLLATE "C" NOT NULL,
  field_managers text NOT NULL,
  external_id text,
  body text NOT NULL,
  revision bigint NOT NULL,
  email text COLLATE "C",
  UNIQUE (workspace, kind, name)
);
CREATE INDEX resource_kind ON resource (kind);
CREATE INDEX resource_email ON resource (email) WHERE email IS NOT NULL;

CREATE TABLE edge (
  resource bigint NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
  pointer text COLLATE "C" NOT NULL,
  target text COLLATE "C",
  since bigint NOT NULL,
  PRIMARY KEY (resource, pointer)
);
CREATE INDEX edge_target ON edge (target) WHERE target IS NOT NULL;

-- How many resources there are, kept by whoever writes them.
CREATE TABLE tally (
  kind text COLLATE "C" NOT NULL,
  workspace text COLLATE "C" NOT NULL,
  manager text COLLATE "C" NOT NULL,
  count bigint NOT NULL CHECK (count > 0),
  PRIMARY KEY (kind, workspace, manager)
);

CREATE TABLE audit (
  seq bigint PRIMARY KEY,
  revision bigint NOT NULL,
  at text NOT NULL,
  actor text,
  actor_verified boolean NOT NULL,
  action text NOT NULL,
  uid text,
  identity text,
  before text,
  after text,
  reason text,
  "commit" text,
  pr text,
  approvers text,
  verdicts text,
  payload_hash text NOT NULL,
  prev_hash text NOT NULL,
  hash text NOT NULL
);
CREATE INDEX audit_revision ON audit (revision, seq);

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are never %', TG_ARGV[0] USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
  FOR EACH ROW EXECUTE FUNCTION audit_refuse('deleted');
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse('deleted');
-- Only a redaction passes: the payload becomes NULL, all else stays.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW
  WHEN (NEW.before IS NOT NULL OR NEW.after IS NOT NULL OR NEW.reason IS NOT NULL
    OR (NEW.seq, NEW.revision, NEW.at, NEW.actor, NEW.actor_verified, NEW.action, NEW.uid, NEW.identity,
        NEW."commit", NEW.pr, NEW.approvers, NEW.verdicts, NEW.payload_hash, NEW.prev_hash, NEW.hash)
      IS DISTINCT FROM
       (OLD.seq, OLD.revision, OLD.at, OLD.actor, OLD.actor_verified, OLD.action, OLD.uid, OLD.identity,
        OLD."commit", OLD.pr, OLD.approvers, OLD.verdicts, OLD.payload_hash, OLD.prev_hash, OLD.hash))
  EXECUTE FUNCTION audit_refuse('changed');

-- Who writes just now. It counts only while the transaction named here has the advisory lock.
CREATE TABLE lock (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  transaction text NOT NULL,
  holder text NOT NULL,
  host text NOT NULL,
  pid bigint NOT NULL,
  since text NOT NULL
);
`,
  },
  {
    name: 'time, secrets',
    checksum: 'sha256:d7f3534609be2f4cb6c95d3d4d47c11c5b6efb863aea9b6eb45c084be607de99',
    sql: `
-- When windows begin and end, kept by whoever writes the resources. What has passed was told once.
CREATE TABLE moment (
  resource bigint NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
  pointer text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  passed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (resource, pointer, type)
);
CREATE INDEX moment_at ON moment (at);
CREATE INDEX moment_open ON moment (at) WHERE NOT passed;
-- jsonb refuses some escapes in texts: none is in what is looked for here. The year 0000 is 1 BC.
CREATE VIEW manifest AS
  SELECT id, kind, replace(replace(body, '\\\\', ''), '\\u', 'u')::jsonb -> 'spec' AS spec FROM resource;
INSERT INTO moment (resource, pointer, type, at)
  SELECT w.id, w.pointer, t.type,
    round(extract(epoch FROM regexp_replace(w.held ->> t.field, '^0000(.*)$', '0001\\1 BC')::timestamptz) * 1000)::bigint
  FROM (
    SELECT id, '/spec' AS pointer, spec AS held FROM manifest WHERE kind IN ('User', 'RoleBinding', 'Token')
    UNION ALL
    SELECT id, '/spec/members/' || (m ->> 'kind') || ':' || (m ->> 'name'), m
      FROM manifest, jsonb_array_elements(spec -> 'members') m WHERE kind = 'Group'
  ) w, (VALUES ('begins', 'notBefore'), ('ends', 'expiresAt')) t (type, field)
  WHERE w.held ->> t.field IS NOT NULL;

-- Tokens that say where their secrets go.
ALTER TABLE resource ADD COLUMN delivers boolean NOT NULL DEFAULT false;
UPDATE resource r SET delivers = true FROM manifest m
  WHERE r.id = m.id AND m.kind = 'Token' AND m.spec -> 'deliverTo' IS NOT NULL;
DROP VIEW manifest;
CREATE INDEX resource_delivers ON resource (id) WHERE delivers;

-- Secrets outlive their Token: that they are not valid any more must be known.
CREATE TABLE secret (
  id text COLLATE "C" PRIMARY KEY,
  token text COLLATE "C" NOT NULL,
  identity text NOT NULL,
  number bigint NOT NULL UNIQUE,
  issued_at text NOT NULL,
  sink text,
  path text NOT NULL,
  delivered_at text,
  ends_at text,
  revoked_at text,
  settled boolean NOT NULL
);
CREATE INDEX secret_token ON secret (token, number);
CREATE INDEX secret_unsettled ON secret (number) WHERE NOT settled;
CREATE TABLE secret_hash (
  id text COLLATE "C" PRIMARY KEY REFERENCES secret (id),
  key_id text NOT NULL,
  hash text NOT NULL
);

CREATE INDEX audit_uid ON audit (uid) WHERE uid IS NOT NULL;
`,
  },
];
