# syntax=docker/dockerfile:1
# The ops container: the command line and the daemon, without the embedded engine, without a compiler, not as root.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json .npmrc ./
COPY scripts ./scripts
COPY src ./src
# Optional packages too, here: the compiler's own binary is one. `npm ci` builds dist/; then only what runs is kept.
RUN npm ci && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# Time zones come with Node's ICU; nothing is installed here.
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json oclif.manifest.json ./
COPY bin/run.js ./bin/run.js
COPY sql ./sql
RUN ln -s /app/bin/run.js /usr/local/bin/qicore-db && mkdir /config
# The image's own unprivileged user; the root filesystem may be read-only.
USER node
WORKDIR /config
EXPOSE 9847
# The daemon is process 1 and has handlers for its signals: no shell and no init in between.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9847/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["qicore-db"]
CMD ["daemon", "--listen", "0.0.0.0:9847"]
