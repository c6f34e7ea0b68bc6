# The engine in a container; docker-compose.yml says what it needs from the host.

FROM maven:3.9-eclipse-temurin-25 AS build
WORKDIR /build
COPY pom.xml ./
COPY src/main ./src/main
COPY openapi ./openapi
RUN mvn -q -B -Dmaven.test.skip=true package

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl \
    && rm -rf /var/lib/apt/lists/*
COPY --from=eclipse-temurin:25-jre /opt/java/openjdk /opt/java
COPY --from=build /build/target/mizzen.jar /opt/mizzen/mizzen.jar
COPY mizzen LICENSE /opt/mizzen/
ENV JAVA_HOME=/opt/java \
    MIZZEN_JAR=/opt/mizzen/mizzen.jar \
    MIZZEN_STATE_DIR=/var/lib/mizzen
RUN /opt/mizzen/mizzen prepare
VOLUME /var/lib/mizzen
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["/opt/mizzen/mizzen", "health"]
ENTRYPOINT ["/opt/mizzen/mizzen"]
CMD ["start"]
