# One image for every command: an API, a projector, the platform's part, the Faust worker, the topics' job.
# `docker build -t sellers .` builds it; what is released names its base by digest: --build-arg BASE=python@sha256:...
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
# What installs stays behind: the environment that is kept has neither pip nor setuptools.
RUN python3 -m venv /opt/install && python3 -m venv --without-pip /opt/sellers
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
COPY requirements/runtime.lock requirements/build.lock requirements/
RUN /opt/install/bin/pip --python /opt/sellers/bin/python install --no-compile \
      --require-hashes --only-binary :all: -r requirements/runtime.lock \
 && /opt/install/bin/pip install --require-hashes --only-binary :all: -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY requirements/runtime.in requirements/
COPY services services
COPY shared shared
COPY sellers sellers
RUN /opt/install/bin/pip wheel --no-deps --no-build-isolation --no-index -w wheels . \
 && /opt/install/bin/pip --python /opt/sellers/bin/python install --no-compile --no-deps --no-index wheels/*.whl \
# Packages ship what they are tested with; nothing that runs reads it.
 && find /opt/sellers/lib -type d -name tests -prune -exec rm -r {} + \
# Compiled here: the root file system is read-only where it runs, and a start would compile every time.
 && /opt/sellers/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/sellers/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="Sellers" \
      org.opencontainers.image.description="Sales execution and key accounts as facts" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/sellers /opt/sellers
ENV PATH=/opt/sellers/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SELLERS_HOST=0.0.0.0 \
    SELLERS_DATA_DIR=/data
# Nobody in particular: may read all of it and write only what is mounted.
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
CMD ["python", "-m", "sellers.node"]
