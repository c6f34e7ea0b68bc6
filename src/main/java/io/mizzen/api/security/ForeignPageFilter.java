package io.mizzen.api.security;

import io.mizzen.api.problem.Problem;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.springframework.http.HttpStatus;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Keeps a web page that somebody opens on this machine from commanding the engine: a request with another origin is
 * refused, and so is a Host header with a name that is not ours (DNS rebinding). Programs other than browsers send no
 * {@code Origin} and are not concerned.
 */
final class ForeignPageFilter extends OncePerRequestFilter {
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|\\[[0-9a-fA-F:.%]+]");
    private final List<String> hostNames;

    ForeignPageFilter(List<String> hostNames) {
        this.hostNames = hostNames.stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws ServletException, IOException {
        String host = request.getHeader("Host");
        if (host != null && !isOurs(host)) {
            refuse(request, response, "foreign-host", "The Host header names '" + host
                + "', which is not this engine; add it to mizzen.rest.host-names if it is.");
            return;
        }
        String origin = request.getHeader("Origin");
        if (origin != null && !isSame(origin, host)) {
            refuse(request, response, "foreign-origin", "Requests from web pages of another origin are refused.");
            return;
        }
        chain.doFilter(request, response);
    }

    private boolean isOurs(String host) {
        int colon = host.endsWith("]") ? -1 : host.lastIndexOf(':');
        String name = (colon < 0 ? host : host.substring(0, colon)).toLowerCase(Locale.ROOT);
        return name.equals("localhost") || ADDRESS.matcher(name).matches() || hostNames.contains(name);
    }

    private static boolean isSame(String origin, String host) {
        try {
            return host != null && host.equalsIgnoreCase(URI.create(origin).getAuthority());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static void refuse(HttpServletRequest request, HttpServletResponse response, String code, String detail)
        throws IOException {
        Problem.of(HttpStatus.FORBIDDEN, code, detail, request.getRequestURI()).writeTo(response);
    }
}
