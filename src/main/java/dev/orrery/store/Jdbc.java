package dev.orrery.store;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/** JDBC, which only the start needs: checks and migrations. Every call has a limit. */
final class Jdbc {

    static final int CONNECT_SECONDS = 5;
    static final int ANSWER_SECONDS = 30;

    private Jdbc() {}

    static Connection connect(String url, String user, String password) throws SQLException {
        var properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        properties.setProperty("connectTimeout", Integer.toString(CONNECT_SECONDS));
        properties.setProperty("loginTimeout", Integer.toString(CONNECT_SECONDS));
        properties.setProperty("socketTimeout", Integer.toString(ANSWER_SECONDS));
        properties.setProperty("ApplicationName", "orrery-start");
        return DriverManager.getConnection(url, properties);
    }
}
