# syntax=docker/dockerfile:1
# The command line and the daemon, without a compiler and without the embedded engine. Does not run as root.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json .npmrc ./
COPY scripts ./scripts
COPY src ./src
# `npm ci` also installs optional packages, because the compiler's binary is one, and builds dist/. Then everything that is
# not needed at run time is removed.
RUN npm ci && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compile-cache
WORKDIR /app
# Nothing is installed here: the time zones come with Node's ICU.
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json oclif.manifest.json ./
COPY bin/run.js ./bin/run.js
COPY sql ./sql
COPY assets ./assets
# Errors name the page of the documentation that helps.
COPY docs ./docs
RUN ln -s /app/bin/run.js /usr/local/bin/qicore-db && mkdir /config "$NODE_COMPILE_CACHE" \
  && chown node:node "$NODE_COMPILE_CACHE"
# An unprivileged user of the base image. The root filesystem may be read-only.
USER node
# Fills the compile cache, so that the first start of a container does not compile. Node keeps a cache for each version,
# architecture and user id, so the user who runs the image fills it. No server is reached: the daemon is stopped after ten
# seconds, and the reports exit 4. An empty cache fails the build.
RUN server=postgres://127.0.0.1:1/none; \
  timeout --signal=TERM 10 qicore-db daemon --url "$server"; \
  qicore-db migrate up --url "$server"; qicore-db stats --url "$server"; qicore-db doctor --url "$server"; \
  test -n "$(find "$NODE_COMPILE_CACHE" -type f)" && chmod -R a-w "$NODE_COMPILE_CACHE"
WORKDIR /config
EXPOSE 9847
# The daemon is process 1 and handles signals itself, so no shell and no init is needed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9847/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["qicore-db"]
CMD ["daemon", "--listen", "0.0.0.0:9847"]
