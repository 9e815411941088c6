// Scans bindings, members and tokens of a store and writes a CSV row for each grant with a bare writer, unsorted.
import { DatabaseSync } from 'node:sqlite';
import { csvWriter } from './csv-writer.mjs';

const [store, file] = process.argv.slice(2);
const database = new DatabaseSync(store, { readOnly: true });
const scan = (sql) => {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement.iterate();
};

const revisions = new Map();
for (const [revision, at, actor, manager] of scan('SELECT revision, at, actor, manager FROM revision'))
  revisions.set(revision, [at, actor ?? `manager:${manager}`]);

const emails = new Map();
for (const [name, email] of scan("SELECT name, email FROM resource WHERE kind = 'User'"))
  emails.set(name, email);

/** By workspace/group: names of users, and of the groups in it. */
const groups = new Map();
for (const [workspace, name, target] of scan(
  "SELECT r.workspace, r.name, e.target FROM resource r JOIN edge e ON e.resource = r.id WHERE r.kind = 'Group' AND e.target IS NOT NULL",
)) {
  const key = `${workspace}/${name}`;
  let group = groups.get(key);
  if (!group) {
    group = { users: [], groups: [] };
    groups.set(key, group);
  }
  const [kind, , member] = target.split('/');
  if (kind === 'User') group.users.push(member);
  else if (kind === 'Group') group.groups.push(member);
}

const now = Date.now();
let rows = 0;
const writer = csvWriter(file);
writer.row(
  'workspace subject_kind subject email state role risk scope via binding not_before expires_at granted_at granted_by reason'.split(
    ' ',
  ),
);
for (const [workspace, name, body, revision] of scan(
  "SELECT workspace, name, body, revision FROM resource WHERE kind = 'RoleBinding'",
)) {
  const { role, subjects, resources, expiresAt = '', reason = '' } = JSON.parse(body).spec;
  if (expiresAt !== '' && Date.parse(expiresAt) <= now) continue;
  const [at, by] = revisions.get(revision);
  for (const subject of subjects)
    for (const { type, id, labels } of resources) {
      const scope = labels ? Object.entries(labels).map(([key, value]) => `${key}=${value}`) : [];
      const where = scope.length > 0 ? scope.join(',') : id === undefined ? type : `${type}/${id}`;
      const give = (user, via) => {
        rows++;
        writer.row([
          workspace,
          'User',
          user,
          emails.get(user),
          'Active',
          role,
          'Normal',
          where,
          via,
          name,
          '',
          expiresAt,
          at,
          by,
          reason,
        ]);
      };
      if (subject.kind === 'Group') follow(workspace, subject.name, `group:${subject.name}`, give);
      else give(subject.name, 'direct');
    }
}
for (const [workspace, name, body, revision] of scan(
  "SELECT workspace, name, body, revision FROM resource WHERE kind = 'Token'",
)) {
  const { role } = JSON.parse(body).spec;
  const [at, by] = revisions.get(revision);
  rows++;
  const ends = ['direct', `token/${name}`, '', '', at, by, ''];
  writer.row([workspace, 'Token', name, '', 'Active', role, 'Normal', 'Workspace', ...ends]);
}
writer.close();
console.log(JSON.stringify({ rows }));

function follow(workspace, name, via, give) {
  const group = groups.get(`${workspace}/${name}`);
  if (!group) return;
  for (const user of group.users) give(user, via);
  for (const inner of group.groups) follow(workspace, inner, `${via}>${inner}`, give);
}
