FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin moneyer && \
    install -D -m 0755 target/release/moneyer /out/moneyer && \
    install -d -m 0700 /volume/data

FROM gcr.io/distroless/cc-debian12
LABEL org.opencontainers.image.title="Moneyer" \
      org.opencontainers.image.description="A service that mints, lists, verifies and disables access tokens" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/moneyer /usr/local/bin/moneyer
# 65532 is distroless's `nonroot`; by number, so that Kubernetes' runAsNonRoot can tell it is not root.
COPY --from=build --chown=65532:65532 /volume/ /
USER 65532:65532
VOLUME ["/data"]
ENV MONEYER_DATABASE_URL=sqlite:/data/moneyer.db \
    MONEYER_SIGNING_KEYS_FILE=/data/moneyer.signing-keys.json \
    MONEYER_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["moneyer", "health"]
ENTRYPOINT ["moneyer"]
CMD ["serve"]
