package dev.orrery.coordination;

/** Of a node alone. */
class LocalCoordinationTest extends CoordinationContract {

    @Override
    Coordination connect() {
        return new LocalCoordination();
    }
}
