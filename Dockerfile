# One image with all programs, laid out as users of the usual NSQ image know it:
# the programs at / and on the PATH, the shell of a small distribution beside them.
# For other machines: docker buildx build --platform=linux/amd64,linux/arm64 .
FROM --platform=$BUILDPLATFORM node:24-alpine AS web
WORKDIR /web
COPY nsqadmin/ui/web .
RUN npm ci --ignore-scripts --no-progress && npm run build

FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# nsqadmin's script, which is built into it.
COPY --from=web /web/dist/ nsqadmin/ui/web/dist/
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /out/ ./cmd/...

FROM alpine:3
# wget, for health checks, and a shell come with the base image.
COPY --from=build /out/ /usr/local/bin/
RUN for p in /usr/local/bin/*nsq*; do ln -s "$p" "/$(basename "$p")"; done \
 && addgroup -S -g 65532 nsq && adduser -S -D -H -u 65532 -G nsq nsq \
 && install -d -o nsq -g nsq /data
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
VOLUME /data
EXPOSE 4150 4151 4160 4161 4170 4171
ARG VERSION=dev
LABEL org.opencontainers.image.title="nsqsuite" \
      org.opencontainers.image.description="NSQ-compatible message broker: nsqd, nsqlookupd, nsqadmin and tools" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="MIT"
