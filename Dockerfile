# One image with all programs, laid out as users of the usual NSQ image know it:
# the programs at / and on the PATH, the shell of a small distribution beside them.
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./cmd/...

FROM alpine:3
# wget, for health checks, and a shell come with the base image.
COPY --from=build /out/ /usr/local/bin/
RUN for p in /usr/local/bin/*nsq*; do ln -s "$p" "/$(basename "$p")"; done \
 && mkdir /data
VOLUME /data
EXPOSE 4150 4151 4160 4161 4170 4171
LABEL org.opencontainers.image.title="nsqsuite" \
      org.opencontainers.image.description="NSQ-compatible message broker: nsqd, nsqlookupd, nsqadmin and tools" \
      org.opencontainers.image.licenses="MIT"
