# The server without tools, as an ordinary user who owns nothing but the data directory.
FROM python:3.11-slim-bookworm AS build
WORKDIR /opt/hestia
COPY requirements.lock ./
RUN python -m venv --without-pip .venv \
    && python -m pip --python .venv/bin/python install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY fhir_server ./fhir_server
COPY smart_auth ./smart_auth
COPY conformance ./conformance
RUN .venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash .venv/lib fhir_server smart_auth conformance

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Hestia" \
      org.opencontainers.image.description="FHIR R4 server on PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/hestia hestia \
    && install -d -o hestia -g hestia -m 0700 /var/lib/hestia
WORKDIR /opt/hestia
COPY --from=build /opt/hestia ./
COPY bin/hestia ./bin/hestia
COPY LICENSE pyproject.toml ./
ENV PATH=/opt/hestia/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HESTIA_HOME=/var/lib/hestia \
    HESTIA_HOST=0.0.0.0
USER 10001:10001
VOLUME /var/lib/hestia
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/hestia/.venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
ENTRYPOINT ["hestia"]
CMD ["serve"]
