import { iso, type Json, nodeId, type Site } from './site.ts';
import type { Account } from './state.ts';

/** An account as it stands inside of other answers. */
export function userAnswer({ login, id, type }: Account, site: Site): Json {
  const url = `${site.api}/users/${encodeURIComponent(login)}`;
  return {
    login,
    id,
    node_id: nodeId('U', id),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: '',
    url,
    html_url: type === 'Bot' ? `${site.web}/apps/${login.replace('[bot]', '')}` : `${site.web}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    user_view_type: 'public',
    site_admin: false,
  };
}

/** What an account is told of itself. */
export function selfAnswer(account: Account, site: Site, createdAt: number): Json {
  const counts = { public_repos: 1, public_gists: 0, followers: 0, following: 0 };
  const words = ['name', 'company', 'location', 'email', 'hireable', 'bio'];
  return {
    ...userAnswer(account, site),
    ...counts,
    ...Object.fromEntries(words.map((word) => [word, null])),
    blog: '',
    created_at: iso(createdAt),
    updated_at: iso(createdAt),
  };
}
