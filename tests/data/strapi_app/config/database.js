const path = require('path');

const file = (env) => ({
  client: 'sqlite',
  connection: { filename: env('DATABASE_FILENAME', path.join(__dirname, '..', '.tmp', 'data.db')) },
  useNullAsDefault: true,
});

// As Strapi's own template for PostgreSQL and for MySQL has it.
const server = (env) => ({
  client: env('DATABASE_CLIENT'),
  connection: {
    host: env('DATABASE_HOST'),
    port: env.int('DATABASE_PORT'),
    database: env('DATABASE_NAME'),
    user: env('DATABASE_USERNAME'),
    password: env('DATABASE_PASSWORD'),
    ssl: false,
  },
  pool: { min: env.int('DATABASE_POOL_MIN', 2), max: env.int('DATABASE_POOL_MAX', 10) },
});

module.exports = ({ env }) => ({
  connection: env('DATABASE_CLIENT', 'sqlite') === 'sqlite' ? file(env) : server(env),
});
