# Debian's PostgreSQL, in the place of the official image: it obeys the same variables, as far as compose.yaml has them.
FROM localhost/base
RUN apt-get update && apt-get install -y --no-install-recommends postgresql
COPY postgres-start /start
USER postgres
VOLUME /var/lib/postgresql/data
CMD ["/start"]
