module.exports = ({ env }) => ({
  auth: { secret: 'the-admin-secret-of-a-strapi-for-tests' },
  apiToken: { salt: 'an-api-token-salt' },
  transfer: { token: { salt: 'a-transfer-token-salt' } },
  secrets: { encryptionKey: 'an-encryption-key-of-32-letters!' },
  serveAdminPanel: env.bool('PANEL', false),
  flags: { nps: false, promoteEE: false },
  // Strapi allows five logins in five minutes for an address; tests need more.
  rateLimit: { enabled: false },
});
