# The server of `unveil serve`. It listens to other machines, so it wants a token:
#     docker build -t unveil .
#     docker run --rm -p 8000:8000 -e UNVEIL_TOKEN=choose-a-long-secret unveil
FROM python:3.12-slim

RUN useradd --create-home unveil
COPY pyproject.toml README.md LICENSE THIRD_PARTY.md /source/
COPY src /source/src
RUN pip install --no-cache-dir '/source[heic,web]' && rm -r /source

USER unveil
# numba keeps here what it compiles for the first photograph; on a processor of another kind it compiles again.
ENV NUMBA_CACHE_DIR=/home/unveil/.cache/numba
RUN unveil demo --out /tmp/demo && rm -r /tmp/demo
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/health')"]
CMD ["unveil", "serve", "--host", "0.0.0.0"]
