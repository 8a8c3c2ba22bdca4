# syntax=docker/dockerfile:1

# The controller, a static binary, on an empty base. For both architectures:
#   docker buildx build --platform linux/amd64,linux/arm64 --tag lambdaroles/lambdaroles .
# hack/verify-static shows on one machine what is said of it here: that it needs nothing but the certificates.

ARG RUST_VERSION=1.94.1

# Runs on the builder's own architecture and compiles for the other.
FROM --platform=$BUILDPLATFORM rust:${RUST_VERSION}-bookworm AS build
ARG BUILDARCH
ARG TARGETARCH
RUN set -eu; \
    case "$TARGETARCH" in \
      "$BUILDARCH") packages= ;; \
      amd64) packages="gcc-x86-64-linux-gnu libc6-dev-amd64-cross"; rustup target add x86_64-unknown-linux-gnu ;; \
      arm64) packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross"; rustup target add aarch64-unknown-linux-gnu ;; \
    esac; \
    apt-get update; \
    apt-get install --yes --no-install-recommends ca-certificates cmake $packages; \
    rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,id=lambdaroles-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=lambdaroles-target-$TARGETARCH,target=/source/target \
    hack/build-static "$TARGETARCH" /lambdaroles

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="lambdaroles" \
      org.opencontainers.image.description="Kubernetes controller for the IAM execution roles of AWS Lambda functions" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /lambdaroles /lambdaroles
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/lambdaroles"]
CMD ["controller"]
