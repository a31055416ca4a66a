# Not built where this was written (no Docker engine there); labelled so in docs/operations.md.
FROM python:3.13-slim
RUN useradd --create-home signalhub && install -d -o signalhub -g signalhub /home/signalhub/data
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY signalhub signalhub
COPY sql sql
COPY migrations migrations
RUN pip install --no-cache-dir .
USER signalhub
ENV SIGNALHUB_HOME=/home/signalhub/data
ENTRYPOINT ["signalhub"]
CMD ["--help"]
