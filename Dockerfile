FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Scripts of packages are for tests alone: a database, another Node.
RUN npm ci --ignore-scripts
COPY scripts scripts
COPY src src
RUN node scripts/build.ts

# The build has all that the program needs from packages in it.
FROM node:24-slim
LABEL org.opencontainers.image.title="rolecall" \
      org.opencontainers.image.description="Access to workspaces as code" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY LICENSE package.json ./
COPY --from=build /build/dist dist
USER 65532:65532
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
