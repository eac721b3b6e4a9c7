FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY migrations migrations
COPY tools/bundle.mjs tools/make-database.mjs tools/
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts && rm -r dist/modules

FROM node:24-slim
# glibc keeps what is freed of large mails for later, unless it is told where large begins.
ENV NODE_ENV=production DATA_DIR=/data MALLOC_MMAP_THRESHOLD_=1000000
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY migrations migrations
COPY static static
COPY package.json LICENSE ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
