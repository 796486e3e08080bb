# Two stages: the first builds one wheel with the front end and the data sets in it, the second
# holds only what runs. `docker build -t glassnet .`, then
# `docker run -p 8000:8000 -v glassnet:/data glassnet`; the address with its token is in the log.

FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-compile /wheels/*.whl \
    && useradd --system --no-create-home --uid 10001 glassnet \
    && install --directory --owner=glassnet --group=glassnet /data
ENV GLASSNET_HOST=0.0.0.0 \
    GLASSNET_PORT=8000 \
    GLASSNET_DATA_DIR=/data \
    PYTHONUNBUFFERED=1
USER glassnet
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['GLASSNET_PORT']}/api/health\", timeout=4)"]
# Exec form: the server itself receives SIGTERM, writes its checkpoints and leaves.
CMD ["glassnet"]
