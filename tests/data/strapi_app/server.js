// Strapi without its command line, which would look for more than it needs.
const strapi = require('@strapi/strapi');

const create = strapi.createStrapi || strapi.default || strapi;
const panel = process.env.PANEL === 'true';

create({ appDir: __dirname, distDir: __dirname, autoReload: false, serveAdminPanel: panel })
  .start()
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
