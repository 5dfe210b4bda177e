module.exports = ({ env }) => ({
  host: '127.0.0.1',
  port: env.int('PORT'),
  app: { keys: ['a-key-of-a-strapi-for-tests', 'another-key-of-it'] },
  logger: { updates: { enabled: false } },
});
