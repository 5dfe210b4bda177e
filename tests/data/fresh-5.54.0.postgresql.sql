-- What Strapi 5.54.0 makes at its first start, of the tables that the service looks at (pg_dump).

CREATE TABLE public.admin_permissions (
    id integer NOT NULL,
    document_id character varying(255),
    action character varying(255),
    action_parameters jsonb,
    subject character varying(255),
    properties jsonb,
    conditions jsonb,
    created_at timestamp(6) without time zone,
    updated_at timestamp(6) without time zone,
    published_at timestamp(6) without time zone,
    created_by_id integer,
    updated_by_id integer,
    locale character varying(255)
);

CREATE SEQUENCE public.admin_permissions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.admin_permissions_id_seq OWNED BY public.admin_permissions.id;

CREATE TABLE public.admin_permissions_role_lnk (
    id integer NOT NULL,
    permission_id integer,
    role_id integer,
    permission_ord double precision
);

CREATE SEQUENCE public.admin_permissions_role_lnk_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.admin_permissions_role_lnk_id_seq OWNED BY public.admin_permissions_role_lnk.id;

CREATE TABLE public.admin_roles (
    id integer NOT NULL,
    document_id character varying(255),
    name character varying(255),
    code character varying(255),
    description character varying(255),
    created_at timestamp(6) without time zone,
    updated_at timestamp(6) without time zone,
    published_at timestamp(6) without time zone,
    created_by_id integer,
    updated_by_id integer,
    locale character varying(255)
);

CREATE SEQUENCE public.admin_roles_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.admin_roles_id_seq OWNED BY public.admin_roles.id;

CREATE TABLE public.admin_users (
    id integer NOT NULL,
    document_id character varying(255),
    firstname character varying(255),
    lastname character varying(255),
    username character varying(255),
    email character varying(255),
    password character varying(255),
    reset_password_token character varying(255),
    reset_password_token_expires_at timestamp(6) without time zone,
    registration_token character varying(255),
    is_active boolean,
    blocked boolean,
    prefered_language character varying(255),
    created_at timestamp(6) without time zone,
    updated_at timestamp(6) without time zone,
    published_at timestamp(6) without time zone,
    created_by_id integer,
    updated_by_id integer,
    locale character varying(255)
);

CREATE SEQUENCE public.admin_users_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.admin_users_id_seq OWNED BY public.admin_users.id;

CREATE TABLE public.admin_users_roles_lnk (
    id integer NOT NULL,
    user_id integer,
    role_id integer,
    role_ord double precision,
    user_ord double precision
);

CREATE SEQUENCE public.admin_users_roles_lnk_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.admin_users_roles_lnk_id_seq OWNED BY public.admin_users_roles_lnk.id;

ALTER TABLE ONLY public.admin_permissions ALTER COLUMN id SET DEFAULT nextval('public.admin_permissions_id_seq'::regclass);

ALTER TABLE ONLY public.admin_permissions_role_lnk ALTER COLUMN id SET DEFAULT nextval('public.admin_permissions_role_lnk_id_seq'::regclass);

ALTER TABLE ONLY public.admin_roles ALTER COLUMN id SET DEFAULT nextval('public.admin_roles_id_seq'::regclass);

ALTER TABLE ONLY public.admin_users ALTER COLUMN id SET DEFAULT nextval('public.admin_users_id_seq'::regclass);

ALTER TABLE ONLY public.admin_users_roles_lnk ALTER COLUMN id SET DEFAULT nextval('public.admin_users_roles_lnk_id_seq'::regclass);

INSERT INTO public.admin_permissions VALUES
	(1, 'kmgxbsa51ni3f8df2k6nzgos', 'plugin::upload.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.148', '2026-11-24 23:37:23.148', '2026-11-24 23:37:23.148', NULL, NULL, NULL),
	(2, 'iosuwy3whpdhpzkhjcq172cx', 'plugin::upload.configure-view', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.157', '2026-11-24 23:37:23.157', '2026-11-24 23:37:23.157', NULL, NULL, NULL),
	(3, 'wsk980ailvos8sk1mo7fm0wz', 'plugin::upload.assets.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.16', '2026-11-24 23:37:23.16', '2026-11-24 23:37:23.16', NULL, NULL, NULL),
	(4, 'x3q8vbg4xdeduioe5aukahh9', 'plugin::upload.assets.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.165', '2026-11-24 23:37:23.165', '2026-11-24 23:37:23.165', NULL, NULL, NULL),
	(5, 'o106bcjp0u6jjn2jr61y5175', 'plugin::upload.assets.download', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.171', '2026-11-24 23:37:23.171', '2026-11-24 23:37:23.171', NULL, NULL, NULL),
	(6, 'j54lqu2w86rm7j4cob00gpxg', 'plugin::upload.assets.copy-link', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.174', '2026-11-24 23:37:23.174', '2026-11-24 23:37:23.174', NULL, NULL, NULL),
	(7, 'fkixg3ozaxnqp2s0fsoippds', 'plugin::upload.read', '{}', NULL, '{}', '["admin::is-creator"]', '2026-11-24 23:37:23.177', '2026-11-24 23:37:23.177', '2026-11-24 23:37:23.177', NULL, NULL, NULL),
	(8, 'nalvzw395kzjythpn1tce9vp', 'plugin::upload.configure-view', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.18', '2026-11-24 23:37:23.18', '2026-11-24 23:37:23.18', NULL, NULL, NULL),
	(9, 'zekvs8ln4xl1u9k02fhj1mev', 'plugin::upload.assets.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.182', '2026-11-24 23:37:23.182', '2026-11-24 23:37:23.182', NULL, NULL, NULL),
	(10, 'i0rs8ixr9gitxa76ujnlfdc9', 'plugin::upload.assets.update', '{}', NULL, '{}', '["admin::is-creator"]', '2026-11-24 23:37:23.186', '2026-11-24 23:37:23.186', '2026-11-24 23:37:23.186', NULL, NULL, NULL),
	(11, 'py927jcd6zv9hr5uhq6cb502', 'plugin::upload.assets.download', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.188', '2026-11-24 23:37:23.188', '2026-11-24 23:37:23.188', NULL, NULL, NULL),
	(12, 'p5kklgkds4m6vwalmog1zeig', 'plugin::upload.assets.copy-link', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.191', '2026-11-24 23:37:23.191', '2026-11-24 23:37:23.191', NULL, NULL, NULL),
	(13, 'needdkm5jd64oiorkb4wulv3', 'plugin::content-manager.explorer.create', '{}', 'plugin::users-permissions.user', '{"fields": ["username", "email", "provider", "password", "resetPasswordToken", "confirmationToken", "confirmed", "blocked", "role"]}', '[]', '2026-11-24 23:37:23.212', '2026-11-24 23:37:23.212', '2026-11-24 23:37:23.212', NULL, NULL, NULL),
	(14, 'co4fd4zntbuxe6sy7vjbxgm1', 'plugin::content-manager.explorer.read', '{}', 'plugin::upload.file', '{"fields": ["name", "alternativeText", "caption", "focalPoint", "width", "height", "formats", "hash", "ext", "mime", "size", "url", "previewUrl", "provider", "provider_metadata", "related", "folder", "folderPath"]}', '[]', '2026-11-24 23:37:23.226', '2026-11-24 23:37:23.226', '2026-11-24 23:37:23.226', NULL, NULL, NULL),
	(15, 'lw32cq0s0m3peopqg753ipn9', 'plugin::content-manager.explorer.read', '{}', 'plugin::upload.folder', '{"fields": ["name", "pathId", "parent", "children", "files", "path"]}', '[]', '2026-11-24 23:37:23.23', '2026-11-24 23:37:23.23', '2026-11-24 23:37:23.23', NULL, NULL, NULL),
	(16, 'zlihj5iqevvoa7slfu7rq973', 'plugin::content-manager.explorer.read', '{}', 'plugin::i18n.locale', '{"fields": ["name", "code"]}', '[]', '2026-11-24 23:37:23.232', '2026-11-24 23:37:23.232', '2026-11-24 23:37:23.233', NULL, NULL, NULL),
	(17, 'lowskbhmv0q2fs25pngow7jk', 'plugin::content-manager.explorer.read', '{}', 'plugin::content-releases.release', '{"fields": ["name", "releasedAt", "scheduledAt", "timezone", "status", "actions"]}', '[]', '2026-11-24 23:37:23.235', '2026-11-24 23:37:23.235', '2026-11-24 23:37:23.235', NULL, NULL, NULL),
	(18, 'u9adzal58ki68iyejsrlxbir', 'plugin::content-manager.explorer.read', '{}', 'plugin::content-releases.release-action', '{"fields": ["type", "contentType", "entryDocumentId", "release", "isEntryValid"]}', '[]', '2026-11-24 23:37:23.237', '2026-11-24 23:37:23.237', '2026-11-24 23:37:23.237', NULL, NULL, NULL),
	(19, 'xnzaj1kair62pmmbqoppxq6y', 'plugin::content-manager.explorer.read', '{}', 'plugin::review-workflows.workflow', '{"fields": ["name", "stages", "stageRequiredToPublish", "contentTypes"]}', '[]', '2026-11-24 23:37:23.239', '2026-11-24 23:37:23.239', '2026-11-24 23:37:23.24', NULL, NULL, NULL),
	(20, 'lmz5jrilxzf8impq3dl77a2a', 'plugin::content-manager.explorer.read', '{}', 'plugin::review-workflows.workflow-stage', '{"fields": ["name", "color", "workflow", "permissions"]}', '[]', '2026-11-24 23:37:23.242', '2026-11-24 23:37:23.242', '2026-11-24 23:37:23.242', NULL, NULL, NULL),
	(21, 'ws7u3qqqmtqpgg6api3uw80w', 'plugin::content-manager.explorer.read', '{}', 'plugin::users-permissions.permission', '{"fields": ["action", "role"]}', '[]', '2026-11-24 23:37:23.244', '2026-11-24 23:37:23.244', '2026-11-24 23:37:23.244', NULL, NULL, NULL),
	(22, 'p5fzfb2eo2ofiinq9aobijaa', 'plugin::content-manager.explorer.read', '{}', 'plugin::users-permissions.role', '{"fields": ["name", "description", "type", "permissions", "users"]}', '[]', '2026-11-24 23:37:23.246', '2026-11-24 23:37:23.246', '2026-11-24 23:37:23.246', NULL, NULL, NULL),
	(23, 'c3cyjq5ra271up6ewxb0apsq', 'plugin::content-manager.explorer.read', '{}', 'plugin::users-permissions.user', '{"fields": ["username", "email", "provider", "password", "resetPasswordToken", "confirmationToken", "confirmed", "blocked", "role"]}', '[]', '2026-11-24 23:37:23.248', '2026-11-24 23:37:23.248', '2026-11-24 23:37:23.248', NULL, NULL, NULL),
	(24, 'uxztk53s8c9t28k4biuh8i5o', 'plugin::content-manager.explorer.read', '{}', 'admin::permission', '{"fields": ["action", "actionParameters", "subject", "properties", "conditions", "role", "apiToken"]}', '[]', '2026-11-24 23:37:23.25', '2026-11-24 23:37:23.25', '2026-11-24 23:37:23.25', NULL, NULL, NULL),
	(25, 'n6g5dm5h08oxr35foxft9838', 'plugin::content-manager.explorer.read', '{}', 'admin::user', '{"fields": ["firstname", "lastname", "username", "email", "password", "resetPasswordToken", "resetPasswordTokenExpiresAt", "registrationToken", "isActive", "roles", "apiTokens", "blocked", "preferedLanguage"]}', '[]', '2026-11-24 23:37:23.254', '2026-11-24 23:37:23.254', '2026-11-24 23:37:23.254', NULL, NULL, NULL),
	(26, 'y4vheyhf12k9ubqpazhkfn7m', 'plugin::content-manager.explorer.read', '{}', 'admin::role', '{"fields": ["name", "code", "description", "users", "permissions"]}', '[]', '2026-11-24 23:37:23.263', '2026-11-24 23:37:23.263', '2026-11-24 23:37:23.263', NULL, NULL, NULL),
	(27, 'nwqtc9lmbffynfqslmskgwdd', 'plugin::content-manager.explorer.read', '{}', 'admin::api-token', '{"fields": ["name", "description", "kind", "type", "accessKey", "encryptedKey", "lastUsedAt", "permissions", "adminPermissions", "adminUserOwner", "expiresAt", "lifespan"]}', '[]', '2026-11-24 23:37:23.265', '2026-11-24 23:37:23.265', '2026-11-24 23:37:23.265', NULL, NULL, NULL),
	(28, 'avylyh3pxthy0wc0hi6xcdyz', 'plugin::content-manager.explorer.read', '{}', 'admin::api-token-permission', '{"fields": ["action", "token"]}', '[]', '2026-11-24 23:37:23.268', '2026-11-24 23:37:23.268', '2026-11-24 23:37:23.268', NULL, NULL, NULL),
	(29, 'su2ftk5qv8j570y16m5tc2bq', 'plugin::content-manager.explorer.read', '{}', 'admin::transfer-token', '{"fields": ["name", "description", "accessKey", "lastUsedAt", "permissions", "expiresAt", "lifespan"]}', '[]', '2026-11-24 23:37:23.27', '2026-11-24 23:37:23.27', '2026-11-24 23:37:23.271', NULL, NULL, NULL),
	(30, 'ps0gn25y6kwr5q4b5r1xi5h1', 'plugin::content-manager.explorer.read', '{}', 'admin::transfer-token-permission', '{"fields": ["action", "token"]}', '[]', '2026-11-24 23:37:23.276', '2026-11-24 23:37:23.276', '2026-11-24 23:37:23.276', NULL, NULL, NULL),
	(31, 'w7fu0zh61rgb71m3u59wvhog', 'plugin::content-manager.explorer.read', '{}', 'admin::session', '{"fields": ["userId", "sessionId", "childId", "deviceId", "origin", "expiresAt", "absoluteExpiresAt", "status", "type", "metadata"]}', '[]', '2026-11-24 23:37:23.282', '2026-11-24 23:37:23.282', '2026-11-24 23:37:23.283', NULL, NULL, NULL),
	(32, 'smykzzpmkfk5v56idf5wosig', 'plugin::content-manager.explorer.update', '{}', 'plugin::users-permissions.user', '{"fields": ["username", "email", "provider", "password", "resetPasswordToken", "confirmationToken", "confirmed", "blocked", "role"]}', '[]', '2026-11-24 23:37:23.286', '2026-11-24 23:37:23.286', '2026-11-24 23:37:23.286', NULL, NULL, NULL),
	(33, 'cq0irvjjzgihizya22n1ohjt', 'plugin::content-manager.explorer.delete', '{}', 'plugin::users-permissions.user', '{}', '[]', '2026-11-24 23:37:23.289', '2026-11-24 23:37:23.289', '2026-11-24 23:37:23.289', NULL, NULL, NULL),
	(34, 'za5qv9q3dfb1gml4mdty48te', 'plugin::content-manager.explorer.publish', '{}', 'plugin::users-permissions.user', '{}', '[]', '2026-11-24 23:37:23.293', '2026-11-24 23:37:23.293', '2026-11-24 23:37:23.293', NULL, NULL, NULL),
	(35, 'oshommlvmdxn3bfztvx3zafb', 'plugin::content-manager.single-types.configure-view', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.297', '2026-11-24 23:37:23.297', '2026-11-24 23:37:23.297', NULL, NULL, NULL),
	(36, 'lhj0djz9sdj07wkokyr5r1in', 'plugin::content-manager.collection-types.configure-view', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.301', '2026-11-24 23:37:23.301', '2026-11-24 23:37:23.301', NULL, NULL, NULL),
	(37, 'ntswsyxrb9u8qfxqvs7xmqji', 'plugin::content-manager.components.configure-layout', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.31', '2026-11-24 23:37:23.31', '2026-11-24 23:37:23.31', NULL, NULL, NULL),
	(38, 'ehza57yfa7la6dbgl4wn9lv1', 'plugin::content-type-builder.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.312', '2026-11-24 23:37:23.312', '2026-11-24 23:37:23.312', NULL, NULL, NULL),
	(39, 'i8ndij7w1c1n59qimzq6wg7h', 'plugin::email.settings.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.319', '2026-11-24 23:37:23.319', '2026-11-24 23:37:23.319', NULL, NULL, NULL),
	(40, 'ejubegbopaagw805rgkp238n', 'plugin::upload.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.322', '2026-11-24 23:37:23.322', '2026-11-24 23:37:23.322', NULL, NULL, NULL),
	(41, 'mzg1hfw94g5itv71qrti1ra5', 'plugin::upload.assets.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.324', '2026-11-24 23:37:23.324', '2026-11-24 23:37:23.324', NULL, NULL, NULL),
	(42, 'g2ejk0ooej0oq99zbygnz4ps', 'plugin::upload.assets.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.331', '2026-11-24 23:37:23.331', '2026-11-24 23:37:23.331', NULL, NULL, NULL),
	(43, 'jvpcppxftolfoex7nut1pxns', 'plugin::upload.assets.download', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.364', '2026-11-24 23:37:23.364', '2026-11-24 23:37:23.364', NULL, NULL, NULL),
	(44, 'cer6tkhzsjtydcn0b8qmdulr', 'plugin::upload.assets.copy-link', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.368', '2026-11-24 23:37:23.368', '2026-11-24 23:37:23.368', NULL, NULL, NULL),
	(45, 'gj6d2x7fxvvuecjsnb6lx5bk', 'plugin::upload.configure-view', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.379', '2026-11-24 23:37:23.379', '2026-11-24 23:37:23.379', NULL, NULL, NULL),
	(46, 'foky6g754k5mnfzzvqz74a6w', 'plugin::upload.settings.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.381', '2026-11-24 23:37:23.381', '2026-11-24 23:37:23.381', NULL, NULL, NULL),
	(47, 'vkt7gw8ras8tl20t6m0ban2p', 'plugin::i18n.locale.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.386', '2026-11-24 23:37:23.386', '2026-11-24 23:37:23.386', NULL, NULL, NULL),
	(48, 'kveu9tq87vjrcyg0wk25b7az', 'plugin::i18n.locale.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.389', '2026-11-24 23:37:23.389', '2026-11-24 23:37:23.389', NULL, NULL, NULL),
	(49, 'owb8c64mb6hpva6xityvvu1v', 'plugin::i18n.locale.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.394', '2026-11-24 23:37:23.394', '2026-11-24 23:37:23.394', NULL, NULL, NULL),
	(50, 'rcoscloxcpooop768zu46jo4', 'plugin::i18n.locale.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.398', '2026-11-24 23:37:23.398', '2026-11-24 23:37:23.398', NULL, NULL, NULL),
	(51, 'rjdvvm9w813qwi2ifnaxlopd', 'plugin::users-permissions.roles.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.406', '2026-11-24 23:37:23.406', '2026-11-24 23:37:23.407', NULL, NULL, NULL),
	(52, 'g46tshj8kknfzzsrx4evd3u8', 'plugin::users-permissions.roles.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.413', '2026-11-24 23:37:23.413', '2026-11-24 23:37:23.413', NULL, NULL, NULL),
	(53, 'y45gat463uo8wx3mqv8bp3zn', 'plugin::users-permissions.roles.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.415', '2026-11-24 23:37:23.415', '2026-11-24 23:37:23.415', NULL, NULL, NULL),
	(54, 'e85bmk2y1yq4z8en17td1dpx', 'plugin::users-permissions.roles.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.417', '2026-11-24 23:37:23.417', '2026-11-24 23:37:23.417', NULL, NULL, NULL),
	(55, 'h6zklafu080s78ovs6i8mpps', 'plugin::users-permissions.providers.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.42', '2026-11-24 23:37:23.42', '2026-11-24 23:37:23.42', NULL, NULL, NULL),
	(56, 'w5fbe5a97l3lqtaojkivhtbu', 'plugin::users-permissions.providers.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.423', '2026-11-24 23:37:23.423', '2026-11-24 23:37:23.423', NULL, NULL, NULL),
	(57, 'ry0wdr6j781gpigqsxqjlmmp', 'plugin::users-permissions.email-templates.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.428', '2026-11-24 23:37:23.428', '2026-11-24 23:37:23.428', NULL, NULL, NULL),
	(58, 'uo8t8e1gryhm3i3fjqn6o571', 'plugin::users-permissions.email-templates.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.431', '2026-11-24 23:37:23.431', '2026-11-24 23:37:23.431', NULL, NULL, NULL),
	(59, 'umne4mz53vkvttcmv2bdmg0w', 'plugin::users-permissions.advanced-settings.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.432', '2026-11-24 23:37:23.432', '2026-11-24 23:37:23.433', NULL, NULL, NULL),
	(60, 'jrppwnnmzbxh1m8iqhhbbu87', 'plugin::users-permissions.advanced-settings.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.434', '2026-11-24 23:37:23.434', '2026-11-24 23:37:23.435', NULL, NULL, NULL),
	(61, 'fzszyfx0pn8yhkvk8b6p4zh2', 'admin::marketplace.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.439', '2026-11-24 23:37:23.439', '2026-11-24 23:37:23.439', NULL, NULL, NULL),
	(62, 'gw4hu7co1h2rhnw7t79i14da', 'admin::webhooks.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.441', '2026-11-24 23:37:23.441', '2026-11-24 23:37:23.441', NULL, NULL, NULL),
	(63, 'h9tngifo2gl21tautf11gm6i', 'admin::webhooks.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.443', '2026-11-24 23:37:23.443', '2026-11-24 23:37:23.444', NULL, NULL, NULL),
	(64, 'zmj1n8a6j7wqp9v7hzsxqk38', 'admin::webhooks.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.448', '2026-11-24 23:37:23.448', '2026-11-24 23:37:23.448', NULL, NULL, NULL),
	(65, 'd5bmastoyw9t43y39ctp225z', 'admin::webhooks.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.452', '2026-11-24 23:37:23.452', '2026-11-24 23:37:23.452', NULL, NULL, NULL),
	(66, 'asq7ulejp4wdk74z3ic2ehka', 'admin::users.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.454', '2026-11-24 23:37:23.454', '2026-11-24 23:37:23.454', NULL, NULL, NULL),
	(67, 'ctgxerkx4cqezywegugopm0r', 'admin::users.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.458', '2026-11-24 23:37:23.458', '2026-11-24 23:37:23.458', NULL, NULL, NULL),
	(68, 'fsh9tnced9co2a06wu25sjwk', 'admin::users.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.46', '2026-11-24 23:37:23.46', '2026-11-24 23:37:23.46', NULL, NULL, NULL),
	(69, 'jlrwcavkcixaw2fhmhhr5k2p', 'admin::users.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.465', '2026-11-24 23:37:23.465', '2026-11-24 23:37:23.465', NULL, NULL, NULL),
	(70, 'yoyjb5y39t9mso5eu5gf27ck', 'admin::roles.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.467', '2026-11-24 23:37:23.467', '2026-11-24 23:37:23.468', NULL, NULL, NULL),
	(71, 'gtnyzf5n9863v5pr7z4zcv7g', 'admin::roles.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.47', '2026-11-24 23:37:23.47', '2026-11-24 23:37:23.47', NULL, NULL, NULL),
	(72, 'qcbu6h3sq96424xl90ctgujz', 'admin::roles.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.472', '2026-11-24 23:37:23.472', '2026-11-24 23:37:23.472', NULL, NULL, NULL),
	(73, 'xbxedvwbp8wfbce1nb6rtmnh', 'admin::roles.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.474', '2026-11-24 23:37:23.474', '2026-11-24 23:37:23.474', NULL, NULL, NULL),
	(74, 'ckk7767hk9lqfcdbdmjiriov', 'admin::api-tokens.access', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.476', '2026-11-24 23:37:23.476', '2026-11-24 23:37:23.476', NULL, NULL, NULL),
	(75, 'mmba6trnjxodkr6arcpjv10z', 'admin::admin-tokens.access', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.477', '2026-11-24 23:37:23.477', '2026-11-24 23:37:23.477', NULL, NULL, NULL),
	(76, 'b68gd3s4u99f6ihlggmgh0ap', 'admin::admin-tokens.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.482', '2026-11-24 23:37:23.482', '2026-11-24 23:37:23.482', NULL, NULL, NULL),
	(77, 'rxd4b9qs1c17vap0xp4yhqgb', 'admin::admin-tokens.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.486', '2026-11-24 23:37:23.486', '2026-11-24 23:37:23.486', NULL, NULL, NULL),
	(78, 'ie2zyef3wdgsm9q0z1gf3zes', 'admin::admin-tokens.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.489', '2026-11-24 23:37:23.489', '2026-11-24 23:37:23.489', NULL, NULL, NULL),
	(79, 'qglg0wotlgbb3088l9wna8vt', 'admin::admin-tokens.regenerate', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.491', '2026-11-24 23:37:23.491', '2026-11-24 23:37:23.491', NULL, NULL, NULL),
	(80, 'm5njpfq3ku7rmyxtyywv7nfi', 'admin::admin-tokens.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.493', '2026-11-24 23:37:23.493', '2026-11-24 23:37:23.493', NULL, NULL, NULL),
	(81, 'hiubp6t3y9shbsad1bkiyhtx', 'admin::api-tokens.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.495', '2026-11-24 23:37:23.495', '2026-11-24 23:37:23.495', NULL, NULL, NULL),
	(82, 'ghfmrrnybu64srik0cvy5990', 'admin::api-tokens.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.497', '2026-11-24 23:37:23.497', '2026-11-24 23:37:23.497', NULL, NULL, NULL),
	(83, 'zkxs0m2k3yewidc15b5xx9yr', 'admin::api-tokens.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.499', '2026-11-24 23:37:23.499', '2026-11-24 23:37:23.499', NULL, NULL, NULL),
	(84, 'xp9vhm4nb4w1t9ylthvqgz0c', 'admin::api-tokens.regenerate', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.501', '2026-11-24 23:37:23.501', '2026-11-24 23:37:23.501', NULL, NULL, NULL),
	(85, 'r8ibqno6g7frrg62bqjytqq2', 'admin::api-tokens.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.503', '2026-11-24 23:37:23.503', '2026-11-24 23:37:23.503', NULL, NULL, NULL),
	(86, 'kpasz0b35wy2axcpi0w8ivre', 'admin::project-settings.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.505', '2026-11-24 23:37:23.505', '2026-11-24 23:37:23.505', NULL, NULL, NULL),
	(87, 'lwcxsiipq4xvsnr9xvlq41dg', 'admin::project-settings.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.508', '2026-11-24 23:37:23.508', '2026-11-24 23:37:23.508', NULL, NULL, NULL),
	(88, 'q5sjyrxl9n02811v12p72wfq', 'admin::transfer.tokens.access', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.509', '2026-11-24 23:37:23.509', '2026-11-24 23:37:23.51', NULL, NULL, NULL),
	(89, 'b410ple02o4w5nilue2cjgmd', 'admin::transfer.tokens.create', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.512', '2026-11-24 23:37:23.512', '2026-11-24 23:37:23.512', NULL, NULL, NULL),
	(90, 'ze7rnkvh4vbgjcv1s6m8xxc4', 'admin::transfer.tokens.read', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.514', '2026-11-24 23:37:23.514', '2026-11-24 23:37:23.514', NULL, NULL, NULL),
	(91, 'iox0h9rfaognmf14b9qv9fhk', 'admin::transfer.tokens.update', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.523', '2026-11-24 23:37:23.523', '2026-11-24 23:37:23.523', NULL, NULL, NULL),
	(92, 'o88r5nyyu10rtq8omjzl4som', 'admin::transfer.tokens.regenerate', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.525', '2026-11-24 23:37:23.525', '2026-11-24 23:37:23.525', NULL, NULL, NULL),
	(93, 'oe59srsblvgr0q7p1q3h6rke', 'admin::transfer.tokens.delete', '{}', NULL, '{}', '[]', '2026-11-24 23:37:23.527', '2026-11-24 23:37:23.527', '2026-11-24 23:37:23.527', NULL, NULL, NULL);

INSERT INTO public.admin_permissions_role_lnk VALUES
	(1, 1, 2, 1),
	(2, 2, 2, 2),
	(3, 3, 2, 3),
	(4, 4, 2, 4),
	(5, 5, 2, 5),
	(6, 6, 2, 6),
	(7, 7, 3, 1),
	(8, 8, 3, 2),
	(9, 9, 3, 3),
	(10, 10, 3, 4),
	(11, 11, 3, 5),
	(12, 12, 3, 6),
	(13, 13, 1, 1),
	(14, 14, 1, 2),
	(15, 15, 1, 3),
	(16, 16, 1, 4),
	(17, 17, 1, 5),
	(18, 18, 1, 6),
	(19, 19, 1, 7),
	(20, 20, 1, 8),
	(21, 21, 1, 9),
	(22, 22, 1, 10),
	(23, 23, 1, 11),
	(24, 24, 1, 12),
	(25, 25, 1, 13),
	(26, 26, 1, 14),
	(27, 27, 1, 15),
	(28, 28, 1, 16),
	(29, 29, 1, 17),
	(30, 30, 1, 18),
	(31, 31, 1, 19),
	(32, 32, 1, 20),
	(33, 33, 1, 21),
	(34, 34, 1, 22),
	(35, 35, 1, 23),
	(36, 36, 1, 24),
	(37, 37, 1, 25),
	(38, 38, 1, 26),
	(39, 39, 1, 27),
	(40, 40, 1, 28),
	(41, 41, 1, 29),
	(42, 42, 1, 30),
	(43, 43, 1, 31),
	(44, 44, 1, 32),
	(45, 45, 1, 33),
	(46, 46, 1, 34),
	(47, 47, 1, 35),
	(48, 48, 1, 36),
	(49, 49, 1, 37),
	(50, 50, 1, 38),
	(51, 51, 1, 39),
	(52, 52, 1, 40),
	(53, 53, 1, 41),
	(54, 54, 1, 42),
	(55, 55, 1, 43),
	(56, 56, 1, 44),
	(57, 57, 1, 45),
	(58, 58, 1, 46),
	(59, 59, 1, 47),
	(60, 60, 1, 48),
	(61, 61, 1, 49),
	(62, 62, 1, 50),
	(63, 63, 1, 51),
	(64, 64, 1, 52),
	(65, 65, 1, 53),
	(66, 66, 1, 54),
	(67, 67, 1, 55),
	(68, 68, 1, 56),
	(69, 69, 1, 57),
	(70, 70, 1, 58),
	(71, 71, 1, 59),
	(72, 72, 1, 60),
	(73, 73, 1, 61),
	(74, 74, 1, 62),
	(75, 75, 1, 63),
	(76, 76, 1, 64),
	(77, 77, 1, 65),
	(78, 78, 1, 66),
	(79, 79, 1, 67),
	(80, 80, 1, 68),
	(81, 81, 1, 69),
	(82, 82, 1, 70),
	(83, 83, 1, 71),
	(84, 84, 1, 72),
	(85, 85, 1, 73),
	(86, 86, 1, 74),
	(87, 87, 1, 75),
	(88, 88, 1, 76),
	(89, 89, 1, 77),
	(90, 90, 1, 78),
	(91, 91, 1, 79),
	(92, 92, 1, 80),
	(93, 93, 1, 81);

INSERT INTO public.admin_roles VALUES
	(1, 'x6k39e3c0ut5sxfpeq3z6i88', 'Super Admin', 'strapi-super-admin', 'Super Admins can access and manage all features and settings.', '2026-11-24 23:37:23.114', '2026-11-24 23:37:23.114', '2026-11-24 23:37:23.114', NULL, NULL, NULL),
	(2, 'gzik0cj1drtv3ve0b94csw1y', 'Editor', 'strapi-editor', 'Editors can manage and publish contents including those of other users.', '2026-11-24 23:37:23.136', '2026-11-24 23:37:23.136', '2026-11-24 23:37:23.136', NULL, NULL, NULL),
	(3, 'ycy9pxoaadmrx1g18010oz65', 'Author', 'strapi-author', 'Authors can manage the content they have created.', '2026-11-24 23:37:23.14', '2026-11-24 23:37:23.14', '2026-11-24 23:37:23.14', NULL, NULL, NULL);

SELECT pg_catalog.setval('public.admin_permissions_id_seq', 93, true);

SELECT pg_catalog.setval('public.admin_permissions_role_lnk_id_seq', 93, true);

SELECT pg_catalog.setval('public.admin_roles_id_seq', 3, true);

SELECT pg_catalog.setval('public.admin_users_id_seq', 1, false);

SELECT pg_catalog.setval('public.admin_users_roles_lnk_id_seq', 1, false);

ALTER TABLE ONLY public.admin_permissions
    ADD CONSTRAINT admin_permissions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.admin_permissions_role_lnk
    ADD CONSTRAINT admin_permissions_role_lnk_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.admin_permissions_role_lnk
    ADD CONSTRAINT admin_permissions_role_lnk_uq UNIQUE (permission_id, role_id);

ALTER TABLE ONLY public.admin_roles
    ADD CONSTRAINT admin_roles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.admin_users
    ADD CONSTRAINT admin_users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.admin_users_roles_lnk
    ADD CONSTRAINT admin_users_roles_lnk_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.admin_users_roles_lnk
    ADD CONSTRAINT admin_users_roles_lnk_uq UNIQUE (user_id, role_id);

CREATE INDEX admin_permissions_created_by_id_fk ON public.admin_permissions USING btree (created_by_id);

CREATE INDEX admin_permissions_documents_idx ON public.admin_permissions USING btree (document_id, locale, published_at);

CREATE INDEX admin_permissions_role_lnk_fk ON public.admin_permissions_role_lnk USING btree (permission_id);

CREATE INDEX admin_permissions_role_lnk_ifk ON public.admin_permissions_role_lnk USING btree (role_id);

CREATE INDEX admin_permissions_role_lnk_oifk ON public.admin_permissions_role_lnk USING btree (permission_ord);

CREATE INDEX admin_permissions_updated_by_id_fk ON public.admin_permissions USING btree (updated_by_id);

CREATE INDEX admin_roles_created_by_id_fk ON public.admin_roles USING btree (created_by_id);

CREATE INDEX admin_roles_documents_idx ON public.admin_roles USING btree (document_id, locale, published_at);

CREATE INDEX admin_roles_updated_by_id_fk ON public.admin_roles USING btree (updated_by_id);

CREATE INDEX admin_users_created_by_id_fk ON public.admin_users USING btree (created_by_id);

CREATE INDEX admin_users_documents_idx ON public.admin_users USING btree (document_id, locale, published_at);

CREATE INDEX admin_users_roles_lnk_fk ON public.admin_users_roles_lnk USING btree (user_id);

CREATE INDEX admin_users_roles_lnk_ifk ON public.admin_users_roles_lnk USING btree (role_id);

CREATE INDEX admin_users_roles_lnk_ofk ON public.admin_users_roles_lnk USING btree (role_ord);

CREATE INDEX admin_users_roles_lnk_oifk ON public.admin_users_roles_lnk USING btree (user_ord);

CREATE INDEX admin_users_updated_by_id_fk ON public.admin_users USING btree (updated_by_id);

ALTER TABLE ONLY public.admin_permissions
    ADD CONSTRAINT admin_permissions_created_by_id_fk FOREIGN KEY (created_by_id) REFERENCES public.admin_users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.admin_permissions_role_lnk
    ADD CONSTRAINT admin_permissions_role_lnk_fk FOREIGN KEY (permission_id) REFERENCES public.admin_permissions(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.admin_permissions_role_lnk
    ADD CONSTRAINT admin_permissions_role_lnk_ifk FOREIGN KEY (role_id) REFERENCES public.admin_roles(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.admin_permissions
    ADD CONSTRAINT admin_permissions_updated_by_id_fk FOREIGN KEY (updated_by_id) REFERENCES public.admin_users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.admin_roles
    ADD CONSTRAINT admin_roles_created_by_id_fk FOREIGN KEY (created_by_id) REFERENCES public.admin_users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.admin_roles
    ADD CONSTRAINT admin_roles_updated_by_id_fk FOREIGN KEY (updated_by_id) REFERENCES public.admin_users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.admin_users
    ADD CONSTRAINT admin_users_created_by_id_fk FOREIGN KEY (created_by_id) REFERENCES public.admin_users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.admin_users_roles_lnk
    ADD CONSTRAINT admin_users_roles_lnk_fk FOREIGN KEY (user_id) REFERENCES public.admin_users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.admin_users_roles_lnk
    ADD CONSTRAINT admin_users_roles_lnk_ifk FOREIGN KEY (role_id) REFERENCES public.admin_roles(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.admin_users
    ADD CONSTRAINT admin_users_updated_by_id_fk FOREIGN KEY (updated_by_id) REFERENCES public.admin_users(id) ON DELETE SET NULL;
