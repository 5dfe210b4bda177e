// Measured against, where CREATE_AUTHOR is set: what people add to make authors without this
// service, a controller that takes names, an address and a password. It is kept out otherwise.
const createAuthor = (strapi) => async (ctx) => {
  const { firstname, lastname, email, password } = ctx.request.body;
  const users = strapi.db.query('admin::user');
  const role = await strapi.db.query('admin::role').findOne({ where: { code: 'strapi-author' } });
  if (await users.findOne({ where: { email: email.toLowerCase() } })) {
    return ctx.badRequest('This address has an account.');
  }
  const data = {
    firstname,
    lastname,
    email: email.toLowerCase(),
    password: await strapi.service('admin::auth').hashPassword(password),
    roles: [role.id],
    isActive: false,
    blocked: false,
  };
  const { id } = await users.create({ data });
  ctx.created({ id });
};

module.exports = {
  register({ strapi }) {
    if (process.env.CREATE_AUTHOR) {
      const handler = createAuthor(strapi);
      const config = { auth: false };
      strapi.server.routes([{ method: 'POST', path: '/create-author', handler, config }]);
    }
  },
  bootstrap() {},
};
